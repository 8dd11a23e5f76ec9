// Beside htmx: keeps aria-invalid in step with the complaint below each field, goes to the summary of errors, and
// sees to it that nothing filled in is lost.
"use strict";
function mark() {
  for (const said of document.querySelectorAll(".said")) {
    const field = said.closest(".field");
    const wrong = said.querySelector(".error") !== null;
    field.classList.toggle("wrong", wrong);
    for (const control of field.matches("fieldset") ? [field] : field.querySelectorAll("input, select:not(.units), textarea")) {
      if (wrong) control.setAttribute("aria-invalid", "true");
      else control.removeAttribute("aria-invalid");
    }
  }
}
document.addEventListener("htmx:afterSettle", mark);
// A session that has ended answers with the page to sign in on: that is no complaint and goes nowhere.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (!/\/(check|line)$/.test(new URL(event.detail.xhr.responseURL).pathname)) event.detail.shouldSwap = false;
});
// A session that has ended is said at once: what is filled in stays on the page.
document.addEventListener("htmx:responseError", (event) => {
  const ended = document.getElementById("ended");
  if (ended && event.detail.xhr.status === 401) ended.hidden = false;
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) document.getElementById("ended")?.setAttribute("hidden", "");
});
// The browser asks before it leaves a form that was filled in and not sent; it keeps no copy to go back to.
const form = document.getElementById("application");
if (form) {
  let unsent = "kept" in form.dataset;
  form.addEventListener("input", () => { unsent = true; });
  form.addEventListener("submit", () => { unsent = false; });
  window.addEventListener("beforeunload", (event) => { if (unsent) event.preventDefault(); });
}
document.getElementById("errors")?.focus();
