const causes = [...document.querySelectorAll("details.cause")], form = document.getElementById("filters");
function filter() {
  const wanted = [...form.querySelectorAll("select")].filter(s => s.value);
  let n = 0;
  for (const c of causes) { c.hidden = wanted.some(s => c.dataset[s.dataset.by] !== s.value); n += !c.hidden; }
  document.getElementById("count").textContent = n === causes.length ? n : n + " of " + causes.length;
}
if (form) { form.addEventListener("change", filter); form.addEventListener("reset", () => setTimeout(filter)); }
let closed = [];
addEventListener("beforeprint", () => { closed = [...document.querySelectorAll("details:not([open])")]; closed.forEach(d => d.open = true); });
addEventListener("afterprint", () => closed.forEach(d => d.open = false));
