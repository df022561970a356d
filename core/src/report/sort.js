// Tables sort by a click on a column's head: numbers by what they begin with, the rest as text.
for (const table of document.querySelectorAll("table")) {
  const head = table.rows[0];
  const isHead = cell => cell.tagName === "TH";
  if (table.rows.length < 3 || ![...head.cells].every(isHead)) continue;
  // Heads between the rows part them into groups: their order says something.
  if ([...table.rows].slice(1).some(row => isHead(row.cells[0]))) continue;
  [...head.cells].forEach((cell, column) => {
    const button = Object.assign(document.createElement("button"), {type: "button"});
    button.append(...cell.childNodes);
    cell.append(button);
    button.onclick = () => {
      const down = cell.getAttribute("aria-sort") === "ascending";
      const text = row => row.cells[column]?.textContent.trim() ?? "";
      const number = row => parseFloat(text(row).replace(/[,\s](?=\d{3})/g, ""));
      const rows = [...table.rows].filter(row => row !== head);
      const body = rows[0].parentNode;
      rows.sort((a, b) => {
        const [x, y] = [number(a), number(b)];
        const order = isNaN(x) || isNaN(y) ? isNaN(x) - isNaN(y) || text(a).localeCompare(text(b)) : x - y;
        return down && !(isNaN(x) !== isNaN(y)) ? -order : order;
      });
      body.append(...rows);
      [...head.cells].forEach(other => other.removeAttribute("aria-sort"));
      cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    };
  });
}
