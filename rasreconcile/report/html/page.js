"use strict";
(() => {
  const columns = JSON.parse(document.getElementById("data").textContent);
  const table = document.getElementById("table"), body = table.tBodies[0];
  const find = document.getElementById("find"), state = document.getElementById("state");
  const count = columns[0].values.length, size = 50;
  const links = new Map([...document.querySelectorAll("section.details")].map(s => [s.querySelector("h2").firstChild.data.trim(), s.id]));
  const value = (column, n) => {
    const found = columns[column].values[n];
    return found === null || !columns[column].words ? found : columns[column].words[found];
  };
  const inWords = seconds => seconds < 60 ? `${seconds} s` : seconds < 3600 ? `${Math.round(seconds / 60)} min`
    : `${(seconds / 3600).toFixed(1)} h`;
  let order = Array.from({length: count}, (_, n) => n), kept = order, first = 0, sorted = null, down = false;

  const compare = (column, a, b) => {
    const one = value(column, a), other = value(column, b);
    if (one === null || other === null) return (one === null) - (other === null);
    const result = typeof one === "number" ? one - other : one.localeCompare(other, undefined, {numeric: true});
    return down ? -result : result;
  };
  const draw = () => {
    const rows = kept.slice(first, first + size).map(n => {
      const row = document.createElement("tr");
      columns.forEach((column, c) => {
        const cell = row.insertCell(), found = value(c, n);
        if (found === null) return;
        const text = column.kind === "length" ? inWords(found) : column.kind === "number" ? found.toFixed(2) : found;
        if (column.kind !== "text") cell.className = "number";
        if (c === 0 && links.has(found)) {
          const link = cell.appendChild(document.createElement("a"));
          link.href = `#${links.get(found)}`;
          link.textContent = text;
        } else cell.textContent = text;
      });
      return row;
    });
    body.replaceChildren(...rows);
    document.getElementById("shown").textContent = kept.length
      ? `${first + 1} to ${Math.min(first + size, kept.length)} of ${kept.length}` : "no plan";
    document.getElementById("back").disabled = first === 0;
    document.getElementById("on").disabled = first + size >= kept.length;
  };
  const filter = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    kept = order.filter(n => (!state.value || value(1, n) === state.value) && words.every(word =>
      columns.some((column, c) => column.kind === "text" && (value(c, n) || "").toLowerCase().includes(word))));
    first = 0;
    draw();
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      down = sorted === column ? !down : false;
      if (sorted !== null) table.tHead.rows[0].cells[sorted].removeAttribute("aria-sort");
      sorted = column;
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      order = Array.from({length: count}, (_, n) => n).sort((a, b) => compare(column, a, b) || a - b);
      filter();
    });
  });
  for (const word of [...new Set(Array.from({length: count}, (_, n) => value(1, n)))].sort()) state.add(new Option(word, word));
  find.addEventListener("input", filter);
  state.addEventListener("change", filter);
  document.getElementById("filters").addEventListener("submit", event => event.preventDefault());
  document.getElementById("back").addEventListener("click", () => { first = Math.max(0, first - size); draw(); });
  document.getElementById("on").addEventListener("click", () => { first += size; draw(); });
  document.getElementById("filters").hidden = false;
  draw();
})();
