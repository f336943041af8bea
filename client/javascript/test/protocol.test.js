import assert from "node:assert/strict";
import test from "node:test";

import { blake3 } from "../src/blake3.js";
import { encode } from "../src/msgpack.js";
import { Protocol, opensMany, opensOne } from "../src/protocol.js";
import { pauses } from "../src/reconnect.js";
import { ReceivedFile } from "../src/files.js";

function opened(...ids) {
  const protocol = new Protocol();
  for (const id of ids) protocol.receive(response(protocol.begin(opensOne), true, id));
  return protocol;
}

const response = (corr_id, ok, result) => encode({ type: "response", corr_id, ok, result });
const said = (process_id, value, event = "message") => encode({ type: "process_event", process_id, event, value });
const bytes = (text) => new TextEncoder().encode(text);
const chunk = (process_id, whole, chunk_index, total_chunks, part, name) =>
  encode({ type: "file", process_id, file_hash: blake3(bytes(whole)), chunk_index, total_chunks, chunk_data: bytes(part), name });

test("an answer goes to its request, once", () => {
  const protocol = new Protocol();
  const corrId = protocol.begin();
  assert.deepEqual(protocol.receive(response(corrId, false, "no")), [{ outcome: "answer", corrId, ok: false, result: "no", opened: [] }]);
  assert.equal(protocol.receive(response(corrId, false, "no"))[0].outcome, "unreadable");
});

test("a launch opens its processes, and events go to them", () => {
  const protocol = new Protocol();
  protocol.receive(response(protocol.begin(opensMany), true, '["p", "q"]'));
  assert.deepEqual(protocol.receive(said("q", "a")), [{ outcome: "delivery", processId: "q", event: { event: "message", value: "a" } }]);
});

test("an answer that names no processes fails its request", () => {
  const protocol = new Protocol();
  const corrId = protocol.begin(opensMany);
  assert.equal(protocol.receive(response(corrId, true, "p, q"))[0].corrId, corrId);
});

test("a terminal event is the last", () => {
  const protocol = opened("p");
  assert.equal(protocol.receive(said("p", "done", "return")).length, 1);
  assert.equal(protocol.receive(said("p", "more")).length, 0);
});

test("events before the answer follow it", () => {
  const protocol = new Protocol();
  const corrId = protocol.begin(opensOne);
  protocol.receive(said("p", "early"));
  assert.deepEqual(protocol.receive(response(corrId, true, "p")).map(({ outcome }) => outcome), ["answer", "delivery"]);
});

test("a file is delivered whole, with its name, when its hash is right", () => {
  const protocol = opened("p");
  assert.deepEqual(protocol.receive(chunk("p", "abcd", 0, 2, "ab", "n")), []);
  const [{ event }] = protocol.receive(chunk("p", "abcd", 1, 2, "cd", "n"));
  assert.equal(new TextDecoder().decode(event.value.data), "abcd");
  assert.equal(event.value.name, "n");
  assert.equal(protocol.receive(chunk("p", "what was meant", 0, 1, "what came"))[0].outcome, "unreadable");
});

test("half a file does not outlive its connection", () => {
  const protocol = opened("p");
  protocol.receive(chunk("p", "ab", 0, 2, "a"));
  protocol.disconnected();
  protocol.receive(chunk("p", "ab", 0, 2, "a"));
  assert.equal(protocol.receive(chunk("p", "ab", 1, 2, "b"))[0].outcome, "delivery");
});

test("no frame throws", () => {
  const protocol = opened("p");
  let seed = 1;
  const random = () => (seed = (seed * 48271) % 0x7fffffff);
  for (let round = 0; round < 3000; round += 1) {
    const frame = round % 2 ? chunk("p", "abcd", 0, 2, "ab") : said("p", "text");
    for (let change = 0; change < 3; change += 1) frame[random() % frame.length] = random() % 256;
    protocol.receive(frame);
    protocol.receive(frame.subarray(0, random() % frame.length));
  }
});

test("names of files are made safe", () => {
  const names = { "../../etc/passwd": "passwd", "C:\\x.dll": "x.dll", "..": "file.bin", "": "file.bin", "a\0b": "ab" };
  for (const [name, safe] of Object.entries(names)) assert.equal(new ReceivedFile(new Uint8Array(), name).fileName(), safe);
});

test("pauses grow to a longest and end", () => {
  const policy = { attemptsMax: 5, firstMs: 10, factor: 2, longestMs: 40 };
  assert.deepEqual([...pauses(policy, () => 1)], [10, 20, 40, 40, 40]);
});
