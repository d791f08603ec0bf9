// The way to the server: a socket that tells what happens, and requests that ask for something.

const SILENCE_MS = 2500;
const RETRY_MS = 800;

export class Link {
  // onFacts(facts), onPicture(name, stampNs, bytes) and onChange(connected) are called as things arrive.
  constructor({ onFacts, onPicture, onChange }) {
    Object.assign(this, { onFacts, onPicture, onChange, connected: false, heard: 0 });
    this.open();
    setInterval(() => this.connected && performance.now() - this.heard > SILENCE_MS && this.lose(), 500);
  }

  open() {
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
    if (typeof data === "string") return this.onFacts(JSON.parse(data));
    const bytes = new Uint8Array(data);
    const end = bytes.indexOf(10);
    const [name, stamp] = new TextDecoder().decode(bytes.subarray(0, end)).split(" ");
    return this.onPicture(name, stamp, bytes.subarray(end + 1));
  }

  lose() {
    const old = this.socket;
    this.socket = null;
    old?.close();
    this.onChange((this.connected = false));
    setTimeout(() => this.open(), RETRY_MS);
  }
}

// {success, message}; a server that cannot be reached is a failure like any other.
export async function ask(path, { method = "POST", body, timeoutMs = 20000 } = {}) {
  try {
    const answer = await fetch(path, { method, body, signal: AbortSignal.timeout(timeoutMs) });
    return await answer.json().catch(() => ({ success: false, message: `the server answered ${answer.status}` }));
  } catch (error) {
    return { success: false, message: `the server was not reached (${error.message})` };
  }
}
