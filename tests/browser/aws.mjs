// The element in a real browser, against the deployed functions of the emulated AWS.
import { readFileSync } from "node:fs";
import { createServer, request as call } from "node:http";
import { join } from "node:path";
import { open, run, server, shot, shows } from "./page.mjs";

const { EMULATOR, FUNCTION_HOST, WEB } = process.env;

/** Stands where a content delivery network stands: it has the script, and it knows the function by its name. */
const edge = createServer((request, response) => {
  if (request.url.startsWith("/widget/")) {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("content-type", request.url.endsWith(".js") ? "text/javascript" : "text/plain");
    return response.end(readFileSync(join(WEB, "element/dist", request.url.slice("/widget/".length))));
  }
  const { hostname, port } = new URL(EMULATOR);
  const passed = call({ hostname, port, method: request.method, path: request.url, headers: { ...request.headers, host: FUNCTION_HOST } }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  passed.on("error", () => response.destroy());
  request.pipe(passed);
});
await new Promise((listening) => edge.listen(Number(new URL(server).port), "127.0.0.1", listening));

await run({
  "a consumer takes part on AWS and sees the place and the code": async (context) => {
    context.setDefaultTimeout(90_000);
    const page = await open(context, { scope: "browser" });
    await shows(page, "5 of 5 left");
    await page.getByLabel("E-mail address").fill("ada@example.com");
    await page.getByRole("button", { name: "Get my place" }).click();
    await shows(page, "SPRING20");
    await shot(page, "on-aws");
  },
});
edge.close();
edge.closeAllConnections();
