
const causes = [...document.querySelectorAll("details.cause")], form = document.getElementById("filters");
function filter() {
  const wanted = [...form.querySelectorAll("select")].filter(s => s.value);
  let n = 0;
  for (const c of causes) { c.hidden = wanted.some(s => c.dataset[s.dataset.by] !== s.value); n += !c.hidden; }
  document.getElementById("count").textContent = n === causes.length ? n : n + " of " + causes.length;
}
function fromAddress() {  // page.html#dataset=LB&severity=error
  for (const [by, value] of new URLSearchParams(location.hash.slice(1))) {
    const select = [...form.querySelectorAll("select")].find(s => s.dataset.by === by);
    if (select) select.value = value;
  }
  filter();
}
if (form) {
  form.addEventListener("change", filter);
  form.addEventListener("reset", () => setTimeout(filter));
  addEventListener("hashchange", fromAddress);
  if (location.hash) fromAddress();
}
let closed = [];
addEventListener("beforeprint", () => {
  closed = [...document.querySelectorAll("details:not([open])")];
  closed.forEach(d => d.open = true);
});
addEventListener("afterprint", () => closed.forEach(d => d.open = false));
