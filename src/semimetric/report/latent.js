// The latent plane: draws the plot, follows the pointer with a thumbnail, keeps to the page's light or dark look.
(function () {
  "use strict";
  const root = document.getElementById("latent-plot");
  const source = document.getElementById("latent-data");
  if (!root || !source || !window.Plotly) return;
  const data = JSON.parse(source.textContent);
  const tip = document.getElementById("latent-tip");
  const thumb = tip.querySelector(".thumb");
  const text = tip.querySelector(".text");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const toolbar = document.querySelector(".toolbar");
  toolbar.hidden = toolbar.children.length === 0;
  root.classList.add("drawn");

  const on = (key, otherwise) => {
    const box = document.getElementById("show-" + key);
    return box ? box.checked : otherwise;
  };
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  function axis(title, range) {
    // Autoranging would make room for every component of the prior, however far.
    return Object.assign(range ? { range: range, autorange: false } : {}, {
      title: { text: title, standoff: 8 }, showticklabels: title !== "", zeroline: false, showline: false,
      gridcolor: style("--line"), showgrid: title !== "", color: style("--muted"),
      ticks: "",
    });
  }

  function layout() {
    const paper = style("--paper");
    const ranges = data.components ? data.components.ranges : [];
    const y = axis(data.axes[1], ranges[1]);
    if (data.equal) y.scaleanchor = "x";
    const wide = root.clientWidth > 620;
    return {
      autosize: true, hovermode: "closest", dragmode: "zoom", uirevision: "kept",
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: data.axes[1] ? 52 : 8, r: 8, t: 34, b: data.axes[0] ? 44 : 8 },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: style("--muted"), activecolor: style("--accent") },
      font: { family: style("--sans"), size: 13, color: style("--ink") },
      xaxis: axis(data.axes[0], ranges[0]), yaxis: y,
      legend: {
        itemsizing: "constant", groupclick: "togglegroup", tracegroupgap: 0, bgcolor: "rgba(0,0,0,0)",
        orientation: wide ? "v" : "h", x: wide ? 1.01 : 0, y: wide ? 1 : -0.08,
      },
      annotations: on("names", true) ? data.annotations.map((note) => Object.assign({}, note, {
        font: { size: 14, color: style("--ink") }, bgcolor: paper, opacity: 0.85, borderpad: 2, captureevents: false,
      })) : [],
    };
  }

  function traces() {
    const ink = style("--ink");
    const rings = on("rings", true);
    const onlyWrong = on("wrong", false);
    const hidden = (group) => root.data
      && root.data.some((old) => old.legendgroup === group && old.visible === "legendonly");
    // The legend has traces of its own, as a key would else wear the ring of the first mark of its class.
    const keys = data.traces.filter((trace) => !trace.meta.labelled).map((trace) => Object.assign({}, trace, {
      x: [null], y: [null], customdata: [], showlegend: true, visible: hidden(trace.legendgroup) ? "legendonly" : true,
    }));
    const outlines = data.components ? [{
      type: "scatter", mode: "lines", name: data.components.name, legendgroup: "prior", hoverinfo: "skip",
      x: data.components.x, y: data.components.y, connectgaps: false, customdata: [],
      line: { color: ink, width: data.components.many ? 0.7 : 1.5 }, opacity: data.components.many ? 0.3 : 0.8,
      visible: !on("prior", true) ? false : hidden("prior") ? "legendonly" : true,
    }] : [];
    return keys.concat(data.traces.map((trace) => {
      const wrong = trace.customdata.map((index) => data.points[index].wrong === 1);
      const starred = trace.meta.labelled;
      const marker = Object.assign({}, trace.marker, {
        line: starred
          ? { color: ink, width: 1.2 }
          : { color: wrong.map((w) => (w && rings ? ink : style("--rim"))), width: wrong.map((w) => (w && rings ? 1.6 : 0.5)) },
        opacity: starred ? 1 : wrong.map((w) => (w || !onlyWrong ? 0.92 : 0.06)),
      });
      const visible = starred && !on("stars", true) ? false : hidden(trace.legendgroup) ? "legendonly" : true;
      return Object.assign({}, trace, { marker: marker, visible: visible });
    }), outlines);
  }

  const options = {
    displaylogo: false, responsive: true,
    displayModeBar: true,
    doubleClick: data.components ? "reset" : "reset+autosize",
    modeBarButtons: [["toImage", "zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
    toImageButtonOptions: { filename: "latent", scale: 2 },
  };

  function say(point) {
    const line = (name, content, className) => {
      const row = document.createElement("div");
      if (className) row.className = className;
      const bold = document.createElement("b");
      bold.textContent = content;
      row.append(name + " ", bold);
      text.append(row);
    };
    text.textContent = "";
    line("class", point.class);
    if (point.labelled) line("", "labelled training row");
    if (point.predicted !== undefined) line("predicted", point.predicted, point.wrong ? "wrong" : "");
    if (point.wrong) line("", "✗ wrong prediction", "wrong");
    if (point.row !== undefined) line("row", String(point.row));
  }

  function show(event) {
    const point = data.points[event.points[0].customdata];
    const sheet = data.sprites;
    say(point);
    thumb.hidden = !sheet || point.sprite < 0;
    if (!thumb.hidden) {
      const scale = Math.max(1, Math.round(88 / Math.max(sheet.width, sheet.height)));
      const rows = Math.ceil(sheet.count / sheet.columns);
      thumb.style.width = sheet.width * scale + "px";
      thumb.style.height = sheet.height * scale + "px";
      thumb.style.backgroundSize = sheet.columns * sheet.width * scale + "px " + rows * sheet.height * scale + "px";
      thumb.style.backgroundPosition = -(point.sprite % sheet.columns) * sheet.width * scale + "px "
        + -Math.floor(point.sprite / sheet.columns) * sheet.height * scale + "px";
    }
    tip.hidden = false;
    follow(event.event);
  }

  function follow(pointer) {
    if (tip.hidden || !pointer) return;
    const box = tip.getBoundingClientRect();
    const left = pointer.clientX + 18 + box.width > window.innerWidth ? pointer.clientX - box.width - 14 : pointer.clientX + 18;
    tip.style.left = Math.max(4, left) + "px";
    tip.style.top = Math.max(4, Math.min(pointer.clientY - 20, window.innerHeight - box.height - 8)) + "px";
  }

  const draw = () => window.Plotly.react(root, traces(), layout(), options);
  if (data.sprites) thumb.style.backgroundImage = "url(" + data.sprites.uri + ")";
  window.Plotly.newPlot(root, traces(), layout(), options).then(() => {
    root.on("plotly_hover", show);
    root.on("plotly_unhover", () => { tip.hidden = true; });
    root.addEventListener("mousemove", follow);
    toolbar.addEventListener("change", draw);
    dark.addEventListener("change", draw);
    root.dataset.rendered = String(root.querySelectorAll(".scatterlayer .point").length);
  });
})();
