// Tells the server which words somebody stopped at, so that the log holds the search as it ended and not each letter.
import { csrfHeaders } from "./dom.js";

const REST = 1500;

/** Return a function to call with (url, words) whenever a list was shown; the last words are told once they rest. */
export function settling() {
  let timer = 0;
  return (url, words) => {
    clearTimeout(timer);
    if (words.length < 2) return;
    timer = setTimeout(() => {
      const body = new URLSearchParams({ q: words, settled: "1" });
      fetch(url, { method: "POST", body, headers: csrfHeaders(), keepalive: true }).catch(() => {});
    }, REST);
  };
}
