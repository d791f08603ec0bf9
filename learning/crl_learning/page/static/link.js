// The way to the server: a socket that tells what happens, and requests that ask for something.

const SILENCE_MS = 2500;
const CONNECT_MS = 5000;
const RETRY_MS = 800;

export class Link {
  // onFacts(facts), onPicture(name, ageMs, bytes) and onChange(connected) are called as things arrive.
  constructor({ onFacts, onPicture, onChange }) {
    Object.assign(this, { onFacts, onPicture, onChange, connected: false, heard: 0 });
    this.open();
    setInterval(() => this.socket && performance.now() - this.heard > this.patienceMs && this.lose(), 500);
  }

  // A network that swallows everything tells nobody that a connection will not come about.
  get patienceMs() {
    return this.connected ? SILENCE_MS : CONNECT_MS;
  }

  open() {
    this.heard = performance.now();
    const url = new URL("live", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.search = url.hash = "";
    const socket = (this.socket = new WebSocket(url));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => socket === this.socket && this.take(data);
    socket.onclose = () => socket === this.socket && this.lose();
  }

  take(data) {
    this.heard = performance.now();
    if (!this.connected) this.onChange((this.connected = true));
    if (typeof data === "string") {
      this.socket.send(""); // asks for more: the server sends nothing into a network that is still busy
      return this.onFacts(JSON.parse(data));
    }
    const bytes = new Uint8Array(data);
    const end = bytes.indexOf(10);
    const [name, age] = new TextDecoder().decode(bytes.subarray(0, end)).split(" ");
    return this.onPicture(name, Number(age), bytes.subarray(end + 1));
  }

  lose() {
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.onChange((this.connected = false));
    setTimeout(() => this.open(), RETRY_MS);
  }
}

// {success, message}; a server that cannot be reached is a failure like any other. The server itself says sooner which
// service is silent, of several one after the other.
export async function ask(path, { method = "POST", body, timeoutMs = 60000 } = {}) {
  try {
    const answer = await fetch(path, { method, body, signal: AbortSignal.timeout(timeoutMs) });
    return await answer.json().catch(() => ({ success: false, message: `the server answered ${answer.status}` }));
  } catch (error) {
    const late = error.name === "TimeoutError";
    return { success: false, message: late ? `no answer within ${timeoutMs / 1000} s` : `the server was not reached (${error.message})` };
  }
}
