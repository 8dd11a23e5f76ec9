// Beside htmx: keeps aria-invalid in step with the complaint below each field, and goes to the summary of errors.
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
document.getElementById("errors")?.focus();
