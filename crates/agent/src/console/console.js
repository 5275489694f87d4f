// Shows the screen that the agent sends, and sends what is typed. What a machine says is text here,
// and never HTML.
"use strict";

const screen = document.getElementById("screen");
const state = document.getElementById("state");
const line = document.getElementById("text");
const MESSAGE_BYTES_MAX = 4096;
let arrows = "\x1b[";
let shown = [];

// The link was used: what stays in the address can be loaded again.
history.replaceState(null, "", location.pathname);

const address = new URL(document.body.dataset.socket, location.href);
address.protocol = address.protocol.replace("http", "ws");
const socket = new WebSocket(address);

function end(why) {
  if ("ended" in state.dataset) return;
  state.dataset.ended = "";
  state.textContent = why;
}

socket.addEventListener("open", () => {
  state.textContent = "Connected.";
  screen.focus();
});
socket.addEventListener("close", () => end("The connection was lost. Load the page to go on."));
socket.addEventListener("message", (event) => {
  const message = JSON.parse(event.data);
  if (message.ended !== undefined) return end(message.ended);
  arrows = message.arrows;
  show(message);
});

// Only rows that have changed are written anew, so that a screen reader reads what is new.
function show({ rows, cursor }) {
  rows.forEach((pieces, number) => {
    const column = cursor && cursor[0] === number ? cursor[1] : null;
    const key = JSON.stringify([pieces, column]);
    if (shown[number] === key) return;
    shown[number] = key;
    const row = screen.children[number] ?? screen.appendChild(document.createElement("div"));
    row.replaceChildren(...elements(pieces, column));
  });
}

function piece(text, look) {
  const span = document.createElement("span");
  span.textContent = text;
  span.className = look;
  return span;
}

function elements(pieces, column) {
  if (column === null) return pieces.map(([text, look]) => piece(text, look));
  const made = [];
  let at = 0;
  for (const [text, look] of pieces) {
    const letters = Array.from(text);
    const inside = column - at;
    if (inside >= 0 && inside < letters.length) {
      made.push(piece(letters.slice(0, inside).join(""), look));
      made.push(piece(letters[inside], `${look} cursor`));
      made.push(piece(letters.slice(inside + 1).join(""), look));
    } else {
      made.push(piece(text, look));
    }
    at += letters.length;
  }
  if (column >= at) {
    made.push(piece(" ".repeat(column - at), ""));
    made.push(piece(" ", "cursor"));
  }
  return made;
}

function send(text) {
  if (socket.readyState !== WebSocket.OPEN) return;
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += MESSAGE_BYTES_MAX) {
    socket.send(bytes.subarray(at, at + MESSAGE_BYTES_MAX));
  }
}

const KEYS = {
  Enter: "\r",
  Backspace: "\x7f",
  Tab: "\t",
  Escape: "\x1b",
  Delete: "\x1b[3~",
  Insert: "\x1b[2~",
  PageUp: "\x1b[5~",
  PageDown: "\x1b[6~",
};
const ARROWS = {
  ArrowUp: "A",
  ArrowDown: "B",
  ArrowRight: "C",
  ArrowLeft: "D",
  Home: "H",
  End: "F",
};

// On a Mac, Option types characters, such as @ on many keyboards; elsewhere Alt is the Meta key.
const OPTION_TYPES = /^(Mac|iP)/.test(navigator.platform);

// What a key sends; undefined where it is the browser's.
function keys(event) {
  if (event.isComposing || event.metaKey) return undefined;
  // Shift+Tab leaves the screen: nobody is caught in it.
  if (event.key === "Tab" && event.shiftKey) return undefined;
  if (event.key in ARROWS) return arrows + ARROWS[event.key];
  if (event.key in KEYS) return KEYS[event.key];
  if (event.key.length !== 1) return undefined;
  if (event.ctrlKey && !event.altKey) {
    // Ctrl+Shift+C and +V copy and paste.
    if (event.shiftKey) return undefined;
    const code = event.key.toUpperCase().charCodeAt(0);
    return code >= 64 && code < 96 ? String.fromCharCode(code - 64) : undefined;
  }
  return event.altKey && !event.ctrlKey && !OPTION_TYPES ? `\x1b${event.key}` : event.key;
}

screen.addEventListener("keydown", (event) => {
  const text = keys(event);
  if (text === undefined) return;
  event.preventDefault();
  send(text);
});
document.addEventListener("paste", (event) => {
  if (document.activeElement !== screen) return;
  event.preventDefault();
  send(event.clipboardData.getData("text").replace(/\r?\n/g, "\r"));
});

function sendLine() {
  send(`${line.value}\r`);
  line.value = "";
}
line.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.isComposing) sendLine();
});
document.getElementById("send").addEventListener("click", sendLine);

const BUTTONS = { tab: "\t", escape: "\x1b", interrupt: "\x03", end: "\x04" };
for (const button of document.querySelectorAll("[data-keys]")) {
  button.addEventListener("click", () => send(BUTTONS[button.dataset.keys]));
}
