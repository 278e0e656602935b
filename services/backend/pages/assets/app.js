// What pages do beyond HTML: live parts (htmx), times in the reader's zone, questions before what cannot be undone, uploads with progress.
import htmx from "htmx.org";

htmx.config.allowEval = false;
htmx.config.includeIndicatorStyles = false;
htmx.config.selfRequestsOnly = true;
htmx.config.historyCacheSize = 0;

const shown = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

function localise(root) {
  for (const each of root.querySelectorAll("time[datetime]")) {
    const moment = new Date(each.getAttribute("datetime"));
    each.textContent = shown.format(moment);
    each.title = `${exact.format(moment)} (${each.getAttribute("datetime")})`;
  }
}

function ask(form) {
  const dialog = document.getElementById("ask");
  dialog.querySelector("p").textContent = form.dataset.ask;
  dialog.querySelector("button[value=yes]").textContent = form.dataset.act || "Go on";
  dialog.returnValue = "";
  dialog.addEventListener("close", () => {
    if (dialog.returnValue !== "yes") return;
    form.dataset.asked = "yes";
    form.requestSubmit();
  }, { once: true });
  dialog.showModal();
}

// The file goes to the storage by a signed address, then the form goes on with its key.
async function upload(form, file) {
  const meter = form.querySelector("progress"), status = form.querySelector("[role=status]");
  const asked = await fetch(form.dataset.upload, { method: "POST", body: new URLSearchParams({ file_name: file.name }) });
  if (!asked.ok) throw new Error((await asked.json().catch(() => ({}))).detail || `The upload was refused (${asked.status}).`);
  const { key, url } = await asked.json();
  await new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", url);
    request.upload.onprogress = (event) => {
      meter.hidden = false;
      meter.value = event.loaded / event.total;
      status.textContent = `Uploading: ${Math.round(100 * meter.value)} % of ${(event.total / 1e6).toFixed(1)} MB`;
    };
    request.onload = () => (request.status < 300 ? resolve() : reject(new Error(`The storage refused the file (${request.status}).`)));
    request.onerror = () => reject(new Error("The storage was not reached. Try again."));
    request.send(file);
  });
  form.querySelector("input[name=key]").value = key;
}

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.dataset.ask && form.dataset.asked !== "yes") {
    event.preventDefault();
    ask(form);
    return;
  }
  const chosen = form.dataset.upload && form.querySelector("input[type=file]").files[0];
  if (!chosen || form.querySelector("input[name=key]").value) return;
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  upload(form, chosen).then(() => form.submit()).catch((error) => {
    form.querySelector("[role=status]").textContent = error.message;
    button.disabled = false;
  });
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim()).then(() => { button.textContent = "Copied"; });
});

for (const failure of ["htmx:responseError", "htmx:sendError"]) {
  document.addEventListener(failure, (event) => {
    if (event.detail.requestConfig.verb === "post") event.detail.target.textContent = "Nothing was answered. Try again in a moment, or load the page anew.";
  });
}

document.addEventListener("htmx:load", (event) => localise(event.detail.elt));
document.addEventListener("DOMContentLoaded", () => {
  localise(document);
  if (matchMedia("(max-width: 48rem)").matches) document.querySelector(".menu details")?.removeAttribute("open");
});
