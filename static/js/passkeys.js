// Ceremonies with passkeys: <div data-passkey="get|create" data-begin data-finish data-origin …>, see templates/accounts/_passkey.html.
// The server asks (data-begin), the browser and the authenticator answer, the server decides (data-finish) and says where to go.
import { csrfHeaders, onElements } from "./dom.js";

const RENEW = 4 * 60_000; // A question of the server is good for five minutes; a door may stay open all day.

/** A sentence of the server, to be shown as it is. */
class Said extends Error {}

const isAble = () => Boolean(window.isSecureContext && window.PublicKeyCredential && navigator.credentials?.create);

async function send(address, body, signal) {
  const response = await fetch(address, {
    method: "POST",
    credentials: "same-origin",
    redirect: "manual",
    headers: { "Content-Type": "application/json", Accept: "application/json", ...csrfHeaders() },
    body: JSON.stringify(body),
    signal,
  });
  const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
  if (response.type === "opaqueredirect" || response.status === 423) {
    // Signed out or locked meanwhile: the page itself says so.
    location.reload();
    return new Promise(() => {});
  }
  const found = isJson ? await response.json() : {};
  if (found.redirect) {
    location.assign(found.redirect);
    return new Promise(() => {});
  }
  if (!response.ok) throw new Said(found.error || "");
  return found;
}

const toBytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function optionsFrom(json, method) {
  const parse = method === "create" ? "parseCreationOptionsFromJSON" : "parseRequestOptionsFromJSON";
  if (PublicKeyCredential[parse]) return PublicKeyCredential[parse](json);
  const withBytes = (list) => list?.map((entry) => ({ ...entry, id: toBytes(entry.id) }));
  const options = { ...json, challenge: toBytes(json.challenge) };
  if (json.user) options.user = { ...json.user, id: toBytes(json.user.id) };
  if (json.excludeCredentials) options.excludeCredentials = withBytes(json.excludeCredentials);
  if (json.allowCredentials) options.allowCredentials = withBytes(json.allowCredentials);
  return options;
}

function answerOf(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: toText(response.clientDataJSON) };
  if (response.attestationObject) {
    parts.attestationObject = toText(response.attestationObject);
    parts.transports = response.getTransports?.() ?? [];
  } else {
    parts.authenticatorData = toText(response.authenticatorData);
    parts.signature = toText(response.signature);
    if (response.userHandle) parts.userHandle = toText(response.userHandle);
  }
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    response: parts,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function bind(root) {
  const { passkey: method, begin, finish, origin, door = "", next = "" } = root.dataset;
  const find = (name) => root.querySelector(`[data-passkey-${name}]`);
  const button = find("start");
  let offer = null; // The offer in the field for the user name, while it stands.

  async function ceremony(extra = {}) {
    const { options } = await send(begin, { door }, extra.signal);
    const credential = await navigator.credentials[method]({ publicKey: optionsFrom(options, method), ...extra });
    if (!credential) throw new DOMException("", "NotAllowedError");
    await send(finish, { credential: answerOf(credential), next });
  }

  function say(error) {
    const words = root.dataset;
    const known = {
      NotAllowedError: words.textStopped, AbortError: words.textStopped, InvalidStateError: words.textKnown, TypeError: words.textOffline,
    };
    find("error-text").textContent = (error instanceof Said ? error.message : known[error.name]) || words.textFailed;
    find("error").hidden = false;
  }

  const isBusy = (busy) => {
    button.disabled = busy;
    button.toggleAttribute("aria-busy", busy);
    find("status").textContent = busy ? root.dataset.textWait : "";
  };

  async function offerInField() {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    const mine = new AbortController();
    offer?.abort();
    offer = mine;
    // A question that grows old is asked anew while somebody looks at the page.
    const renew = setTimeout(() => {
      if (document.hidden) document.addEventListener("visibilitychange", () => { if (offer === mine) offerInField(); }, { once: true });
      else offerInField();
    }, RENEW);
    try {
      await ceremony({ mediation: "conditional", signal: mine.signal });
    } catch (error) {
      if (error instanceof Said) {
        say(error);
        if (offer === mine) setTimeout(() => { if (offer === mine) offerInField(); }, 1_000);
      }
    } finally {
      clearTimeout(renew);
    }
  }

  button.addEventListener("click", async () => {
    offer?.abort();
    offer = null;
    find("error").hidden = true;
    isBusy(true);
    try {
      await ceremony();
    } catch (error) {
      isBusy(false);
      say(error);
      button.focus();
      if ("autofill" in root.dataset) offerInField();
    }
  });
  // Back button: the page comes from the cache with its button still off.
  addEventListener("pageshow", (event) => { if (event.persisted) isBusy(false); });

  if (location.origin !== new URL(origin).origin) {
    find("elsewhere").hidden = false;
  } else if (!isAble()) {
    find("unable").hidden = false;
  } else {
    button.hidden = false;
    if ("autofill" in root.dataset) offerInField();
  }
}

export function initPasskeys() {
  onElements("[data-passkey]", bind);
}
