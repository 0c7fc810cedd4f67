import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connect, QuiklyError, type Participation } from "@quikly/participate";

const asked = { scope: "spring", email: "ada@example.com" };
const accepted = { id: "a1", state: "received", repeat: false, position: 3 };

type Reply = { status?: number; body?: unknown; headers?: Record<string, string> } | "lost";

/** Answers requests in order, and remembers them. */
const server = (...replies: Reply[]) => {
  const calls: { url: string; init: RequestInit }[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit = {}) => {
    init.signal?.throwIfAborted();
    calls.push({ url, init: { ...init } });
    const reply = replies.shift() ?? "lost";
    if (reply === "lost") throw new TypeError("network");
    const { status = 200, body, headers } = reply;
    return new Response(status === 304 ? null : JSON.stringify(body), { status, ...(headers && { headers }) });
  });
  return calls;
};

const key = (call: { init: RequestInit } | undefined) => new Headers(call?.init.headers).get("idempotency-key");

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets all timers run until the promise ends. */
const settled = async <T>(promise: Promise<T>): Promise<T> => {
  let ended = false;
  const watched = promise.finally(() => (ended = true));
  watched.catch(() => {});
  while (!ended) await vi.advanceTimersByTimeAsync(250);
  return watched;
};

test("a lost answer is asked for again with the same key", async () => {
  const calls = server("lost", { status: 202, body: accepted });
  expect(await settled(connect("https://host").participate(asked))).toEqual(accepted);
  expect(key(calls[0])).toMatch(/^[0-9a-f]{32}$/);
  expect(key(calls[1])).toBe(key(calls[0]));
});

test("two participations have different keys", async () => {
  const calls = server({ status: 202, body: accepted }, { status: 202, body: accepted });
  const client = connect("https://host/");
  await client.participate(asked);
  await client.participate(asked);
  expect(key(calls[0])).not.toBe(key(calls[1]));
  expect(calls[0]?.url).toBe("https://host/participations");
});

test("429 is waited out as long as the server says", async () => {
  server({ status: 429, body: {}, headers: { "retry-after": "7" } }, { status: 202, body: accepted });
  const began = Date.now();
  const waits: number[] = [];
  await settled(connect("https://host").participate(asked, { onRetry: ({ inMs }) => waits.push(inMs) }));
  expect(waits[0]).toBeGreaterThanOrEqual(7000);
  expect(Date.now() - began).toBeGreaterThanOrEqual(7000);
});

test("429 and 503 without a time are asked again after a growing pause", async () => {
  server({ status: 429, body: {} }, { status: 503, body: {} }, { status: 202, body: accepted });
  const waits: number[] = [];
  await settled(connect("https://host").participate(asked, { onRetry: ({ inMs }) => waits.push(inMs) }));
  expect(waits[1]).toBeGreaterThan(waits[0] ?? 0);
});

test("a refusal is not repeated and names its fields", async () => {
  const errors = [{ field: "email", code: "email-invalid", message: "is not valid" }];
  const calls = server({ status: 422, body: { type: "urn:quikly-braze:invalid-field", title: "no", status: 422, errors } });
  const error = await connect("https://host").participate(asked).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(QuiklyError);
  expect(error).toMatchObject({ status: 422, code: "invalid-field", fields: errors });
  expect(calls.length).toBe(1);
});

test("a request is given up when patience ends", async () => {
  server();
  const error = await settled(connect("https://host").participate(asked, { patienceMs: 5000 }).catch((error: unknown) => error));
  expect(error).toMatchObject({ status: 0, code: "network" });
});

test("an aborted request is not repeated", async () => {
  const calls = server("lost", { status: 202, body: accepted });
  const ends = new AbortController();
  const promise = connect("https://host").participate(asked, { signal: ends.signal, onRetry: () => ends.abort() });
  await expect(settled(promise)).rejects.toMatchObject({ name: "AbortError" });
  expect(calls.length).toBe(1);
});

test("a result is followed until it is final, each time with the tag of the last answer", async () => {
  const shown = (outcome: string, final: boolean) => ({ id: "a1", outcome, final, ...(!final && { next_ms: 1000 }) });
  const calls = server(
    { body: shown("on_its_way", false), headers: { etag: 'W/"1"' } },
    { status: 304, headers: { etag: 'W/"1"' } },
    { body: shown("won", true), headers: { etag: 'W/"2"' } },
  );
  const changes: string[] = [];
  const result = await settled(connect("https://host").result("a1", { onChange: (one: Participation) => changes.push(one.outcome) }));
  expect(result.outcome).toBe("won");
  expect(changes).toEqual(["on_its_way", "won"]);
  expect(calls.map(({ init }) => new Headers(init.headers).get("if-none-match"))).toEqual([null, 'W/"1"', 'W/"1"']);
});

test("counters are given when they change, until there is nothing more to ask", async () => {
  const counters = (remaining: number, next?: number) => ({ remaining, ...(next && { next_ms: next }) });
  server(
    { body: counters(3, 1000), headers: { etag: "a" } },
    { body: counters(3, 1000), headers: { etag: "a" } },
    { body: counters(2), headers: { etag: "b" } },
  );
  const seen: (number | null)[] = [];
  const watching = (async () => {
    for await (const { remaining } of connect("https://host").watch("spring", "first")) seen.push(remaining);
  })();
  await settled(watching);
  expect(seen).toEqual([3, 2]);
});

test("the server's time counts however wrong the page's clock is", async () => {
  vi.setSystemTime(new Date("2026-11-02T00:00:00Z"));
  server({ body: { now: "2026-11-01T00:00:00.000Z" } });
  const client = connect("https://host");
  await client.activation("spring");
  expect(new Date(client.now()).toISOString()).toBe("2026-11-01T00:00:00.000Z");
});

test("while the page is hidden nothing is asked", async () => {
  const page = Object.assign(new EventTarget(), { hidden: true });
  vi.stubGlobal("document", page);
  const calls = server({ body: { id: "a1", outcome: "won", final: true } });
  const result = connect("https://host").result("a1");
  await vi.advanceTimersByTimeAsync(60_000);
  expect(calls.length).toBe(0);
  page.hidden = false;
  page.dispatchEvent(new Event("visibilitychange"));
  expect((await settled(result)).outcome).toBe("won");
});
