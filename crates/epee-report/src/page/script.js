"use strict";
// Shows the value under the pointer. The texts are in the <title> elements, which also work without this script.
(() => {
  const tip = document.getElementById("tip");
  const ring = document.createElementNS("http://www.w3.org/2000/svg", "circle");
  ring.setAttribute("class", "ring");
  ring.setAttribute("r", "6.5");
  ring.style.pointerEvents = "none";
  let cell = null;

  const hide = () => {
    tip.hidden = true;
    ring.remove();
    if (cell) cell.classList.remove("on");
    cell = null;
  };

  const show = (svg, hit, x, y) => {
    if (cell) cell.classList.remove("on");
    cell = null;
    if (hit.matches("circle")) {
      ring.setAttribute("cx", hit.getAttribute("cx"));
      ring.setAttribute("cy", hit.getAttribute("cy"));
      svg.append(ring);
    } else {
      ring.remove();
      if (hit.matches(".cell")) {
        cell = hit;
        cell.classList.add("on");
      }
    }
    tip.replaceChildren(...hit.dataset.tip.split("\n").map((line) => {
      const div = document.createElement("div");
      div.textContent = line;
      return div;
    }));
    tip.hidden = false;
    const box = tip.getBoundingClientRect();
    const right = x + 14 + box.width > innerWidth - 6;
    const below = y - 14 - box.height < 6;
    tip.style.left = Math.max(6, right ? x - 14 - box.width : x + 14) + "px";
    tip.style.top = Math.max(6, below ? y + 16 : y - 14 - box.height) + "px";
  };

  for (const svg of document.querySelectorAll("svg.plot")) {
    let hits = null;
    let at = -1;
    // Move the titles into attributes, or the browser would show its own tooltips as well.
    const ready = () => {
      if (hits) return hits;
      hits = [...svg.querySelectorAll("title")].map((title) => {
        const hit = title.parentElement;
        hit.dataset.tip = title.textContent;
        hit.setAttribute("aria-label", title.textContent);
        title.remove();
        return hit;
      });
      return hits;
    };
    const nearest = (event) => {
      const p = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
      let best = null;
      let least = 24 * 24;
      for (const hit of ready()) {
        if (!hit.matches("circle")) continue;
        const dx = hit.cx.baseVal.value - p.x;
        const dy = hit.cy.baseVal.value - p.y;
        const d = dx * dx + dy * dy;
        if (d < least) [best, least] = [hit, d];
      }
      return best || event.target.closest("[data-tip]");
    };
    svg.addEventListener("pointermove", (event) => {
      ready();
      const hit = nearest(event);
      if (!hit) return hide();
      at = hits.indexOf(hit);
      show(svg, hit, event.clientX, event.clientY);
    });
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("blur", hide);
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
      if (event.key === "Escape") return hide();
      if (step === undefined || !ready().length) return;
      event.preventDefault();
      at = Math.min(hits.length - 1, Math.max(0, at < 0 ? (step === Infinity ? hits.length - 1 : 0) : at + step));
      const box = hits[at].getBoundingClientRect();
      show(svg, hits[at], box.left + box.width / 2, box.top + box.height / 2);
    });
  }
  addEventListener("scroll", hide, { passive: true });
})();
