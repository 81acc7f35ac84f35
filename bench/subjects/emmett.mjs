// Emmett, asked line by line: {"do": "append", "box": 2, "facts": 4000} and so on; each answer is a line of JSON.
// The facts come from a file of {stream, version, type, data}, a line each.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [kind, where, factsFile] = process.argv.slice(2);
const store =
  kind === "SQLite"
    ? (await import("@event-driven-io/emmett-sqlite")).getSQLiteEventStore({
        fileName: where,
        schema: { autoMigration: "CreateOrUpdate" },
      })
    : (await import("@event-driven-io/emmett-postgresql")).getPostgreSQLEventStore(where);
const lines = createInterface({ input: createReadStream(factsFile) })[Symbol.asyncIterator]();
const held = new Map();
const now = () => Number(process.hrtime.bigint()) / 1e9;

async function facts(count) {
  const found = [];
  while (found.length < count) {
    const { value, done } = await lines.next();
    if (done) break;
    found.push(JSON.parse(value));
  }
  return found;
}

async function append(stream, events) {
  const before = held.get(stream) ?? 0;
  const expectedStreamVersion = before === 0 ? "STREAM_DOES_NOT_EXIST" : BigInt(before);
  const given = events.map(({ type, data }) => ({ type, data }));
  await patiently(() => store.appendToStream(stream, given, { expectedStreamVersion }));
  held.set(stream, before + events.length);
}

// It opens a connection for each call and sets no time to wait for a lock: SQLite says BUSY now and then.
async function patiently(call) {
  for (let left = 100; ; left--) {
    try {
      return await call();
    } catch (error) {
      if (!left || !String(error.code ?? error.message).includes("BUSY")) throw error;
      await new Promise((again) => setTimeout(again, 1));
    }
  }
}

// One event a transaction.
async function single(box) {
  const each = [];
  let spent = 0;
  while (spent < box) {
    for (const fact of await facts(100)) {
      const begun = now();
      await append(fact.stream, [fact]);
      each.push(now() - begun);
      spent += each.at(-1);
      if (spent >= box) break;
    }
  }
  return { done: each.length, seconds: spent };
}

// Many events of one stream a transaction: it takes no more than one stream. A stream's whole life lies in what is
// given at once, so what the box leaves no time for is missed by nobody.
async function bulk(box, size) {
  let [done, spent] = [0, 0];
  while (spent < box) {
    const given = await facts(size);
    if (!given.length) break;
    for (const [stream, events] of grouped(given)) {
      const begun = now();
      await append(stream, events);
      spent += now() - begun;
      done += events.length;
      if (spent >= box) break;
    }
  }
  return { done, seconds: spent };
}

function grouped(given) {
  const streams = new Map();
  for (const fact of given) {
    if (!streams.has(fact.stream)) streams.set(fact.stream, []);
    streams.get(fact.stream).push(fact);
  }
  return streams;
}

function evolve(lanes, { type, data }) {
  const event = data.events[0];
  for (const { target = "each_of", scope, set } of event.effects) {
    const place = `${target} ${scope}`;
    lanes[place] = { ...lanes[place], type, ...set };
  }
  return lanes;
}

async function replay(box) {
  let [done, spent] = [0, 0];
  while (spent < box) {
    for (const stream of held.keys()) {
      const begun = now();
      const { currentStreamVersion } = await patiently(() =>
        store.aggregateStream(stream, { evolve, initialState: () => ({}) }),
      );
      spent += now() - begun;
      done += Number(currentStreamVersion);
      if (spent >= box) break;
    }
  }
  return { done, seconds: spent };
}

const works = { append: single, bulk, replay };
console.log(JSON.stringify({ ready: true }));
for await (const line of createInterface({ input: process.stdin })) {
  const { work, box, size } = JSON.parse(line);
  if (work === "close") break;
  console.log(JSON.stringify(await works[work](box, size)));
}
await store.close?.();
process.exit(0);
