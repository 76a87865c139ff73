// Asks the device for a passkey and sends its answer with the form. Without this file, and in
// browsers that are too old for it, the forms stay hidden and passwords work as ever.
"use strict";

const requestOptions = window.PublicKeyCredential?.parseRequestOptionsFromJSON;
const creationOptions = window.PublicKeyCredential?.parseCreationOptionsFromJSON;

async function answerOf(form) {
  const token = form.elements.csrfmiddlewaretoken.value;
  const asked = await fetch(form.dataset.challenge, {
    method: "POST",
    body: new URLSearchParams({ csrfmiddlewaretoken: token }),
    redirect: "error",
  });
  if (!asked.ok) throw new Error(`challenge: ${asked.status}`);
  const options = await asked.json();
  return form.dataset.passkey === "create"
    ? navigator.credentials.create({ publicKey: creationOptions.call(PublicKeyCredential, options) })
    : navigator.credentials.get({ publicKey: requestOptions.call(PublicKeyCredential, options) });
}

async function submitted(event) {
  event.preventDefault();
  const form = event.target;
  const [failed, button] = [form.querySelector("[role=alert]"), form.querySelector("button")];
  failed.hidden = button.disabled = true;
  try {
    form.elements.passkey.value = JSON.stringify(await answerOf(form));
    form.submit();
  } catch {
    failed.hidden = button.disabled = false;
  }
}

if (requestOptions && creationOptions) {
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.addEventListener("submit", submitted);
    form.hidden = false;
  }
  for (const words of document.querySelectorAll("[data-without-passkeys]")) words.hidden = true;
}
