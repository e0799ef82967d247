// The HTTP API as its document says: problem documents become errors, a token is sent if there is one.

const KEPT = "xivo-confgend-token";
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 15_000;
let token = sessionStorage.getItem(KEPT) ?? "";

export class Problem extends Error {
  constructor(document, status) {
    super(document.detail || "");
    this.title = document.title || `The daemon answered ${status}`;
    this.status = status;
    this.document = document;
  }
}

export function useToken(text) {
  token = text;
  if (text) sessionStorage.setItem(KEPT, text);
  else sessionStorage.removeItem(KEPT);
}

export const hasToken = () => token !== "";

async function send(path, options = {}, as = token) {
  const headers = new Headers(options.headers);
  if (as) headers.set("X-Auth-Token", as);
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-cache" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem({ title: "The daemon cannot be reached", detail: "It may be restarting." }, 0);
  }
  if (response.ok) return response;
  let document = {};
  try { document = await response.json(); } catch { /* not a problem document: the status has to do */ }
  throw new Problem(document, response.status);
}

// `as`: another token than the one in use.
export const getJson = async (path, signal, as) => (await send(path, { signal }, as)).json();
export const getText = (path, signal) => send(path, { signal });
export const post = (path) => send(path, { method: "POST" });
export const remove = (path) => send(path, { method: "DELETE" });
export const put = (path, body) =>
  send(path, { method: "PUT", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
export const filePath = (name) => `/1.0/files/${name}`;

// The text of a response; `progress` is told how many characters have come.
export async function readText(response, progress) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const pieces = [];
  let length = 0;
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    pieces.push(value);
    length += value.length;
    progress(length);
  }
  return pieces.join("");
}

// Server-sent events by fetch, because EventSource cannot send a token. Comes back by itself, with what was missed.
// `since`: id of the last event that is known. `onState` is told `on`, `off` or, once and for all, `refused`.
// Returns what ends it and says what the last event was.
export function listen(onEvent, onState, since) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let last = since;
  (async () => {
    for (let pause = SHORTEST_PAUSE, missed = false; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      try {
        const response = await send("/1.0/events", { signal, headers: last ? { "Last-Event-ID": last } : {} });
        onState("on");
        pause = SHORTEST_PAUSE;
        // Without an id the daemon cannot know that something was missed.
        if (missed && !last) onEvent({ event: "reset" });
        for await (const event of events(response.body)) {
          last = event.id || last;
          onEvent(event.data);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error.status === 401 || error.status === 403) return onState("refused");
      }
      missed = true;
      onState("off");
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  })();
  return () => {
    stopping.abort();
    return last;
  };
}

async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s).slice(0, 2)));
      if (fields.data) yield { id: fields.id, data: JSON.parse(fields.data) };
    }
  }
}
