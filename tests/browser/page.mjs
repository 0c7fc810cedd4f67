// What the browser tests share: Chromium, a page with the element under a strict policy, and waiting for what a page shows.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";

const { WEB, CHROMIUM, SERVER, SIM, SCREENSHOTS, ORIGIN_PORT } = process.env;
const required = createRequire(join(WEB, "package.json"));
const { chromium } = required("playwright-core");
const AXE = readFileSync(required.resolve("axe-core/axe.min.js"), "utf8");

export const server = SERVER;
export const sim = SIM;

/** Only scripts and calls of the server are allowed; nothing inline. */
const POLICY = `default-src 'none'; script-src ${SERVER}; connect-src ${SERVER}; style-src 'none'; img-src data:; base-uri 'none'; require-trusted-types-for 'script'`;

const tag = async () => (await (await fetch(`${SERVER}/widget/v1.html`)).text()).replace('src="', `src="${SERVER}`);

/** A form that works without a script. It stands inside the element, which hides it. */
const form = (scope, returnTo) => `<form method="post" action="${SERVER}/participations"><input type="hidden" name="scope" value="${scope}">${returnTo ? `<input type="hidden" name="return_to" value="${returnTo}">` : ""}<p><label>Address <input name="email" type="email"></label></p><p><label>Given name <input name="attributes.first_name"></label></p><button>Send</button></form>`;

/** The brand's pages: `?` and the attributes of the element. With `plain-form`, there is a form for pages without scripts. */
const site = async () => {
  const script = await tag();
  const pages = createServer((request, response) => {
    const { searchParams } = new URL(request.url, "http://site");
    const [plain, returnTo] = ["plain-form", "return-to"].map((name) => searchParams.get(name));
    const inside = plain ? form(plain, returnTo) : "";
    const attributes = [...searchParams].map(([name, value]) => `${name}="${value.replace(/&/g, "&amp;").replace(/"/g, "&quot;")}"`).join(" ");
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.setHeader("content-security-policy", POLICY);
    response.end(`<!doctype html><html lang="${searchParams.get("lang") ?? "en"}"><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="color-scheme" content="light dark"><title>Spring</title><link rel="icon" href="data:,">${script}<main><h1>Spring</h1><quikly-activation base="${SERVER}" ${attributes}>${inside}</quikly-activation></main></html>`);
  });
  await new Promise((listening) => pages.listen(Number(ORIGIN_PORT), "127.0.0.1", listening));
  return pages;
};

/** Runs the tests one after the other, and says which failed. */
export const run = async (tests) => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  const pages = ORIGIN_PORT && (await site());
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ["--no-sandbox"] });
  let failed = 0;
  for (const [name, test] of Object.entries(tests)) {
    const context = await browser.newContext({ viewport: { width: 420, height: 800 }, reducedMotion: "reduce" });
    context.setDefaultTimeout(10_000);
    try {
      await test(context, browser);
      for (const page of context.pages()) {
        const said = JSON.stringify(await page.evaluate(() => window.told ?? []));
        assert.ok(!said.match(/@|555|SPRING20/), `an event tells a contact or a code: ${said}`);
      }
      console.log(`ok      ${name}`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack}`);
      for (const page of context.pages()) await page.screenshot({ path: join(SCREENSHOTS, `failed-${name.replace(/\W+/g, "-")}.png`) }).catch(() => {});
    }
    await context.close();
  }
  await browser.close();
  pages?.close();
  process.exitCode = failed ? 1 : 0;
};

export const siteAt = (host, attributes) => `http://${host}:${ORIGIN_PORT}/?${new URLSearchParams(attributes)}`;

/** Opens a page with the element. A violation of the policy or an error in the page fails the test. */
export const open = async (context, attributes, host = "127.0.0.1") => {
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => /Content Security Policy|TrustedHTML/.test(message.text()) && page.faults.push(message.text()));
  await page.addInitScript(() => {
    window.told = [];
    for (const name of ["shown", "submitted", "accepted", "result", "error"])
      document.addEventListener(`quikly:${name}`, (event) => window.told.push([name, event.detail]));
  });
  await page.goto(siteAt(host, attributes));
  return page;
};

export const told = (page) => page.evaluate(() => window.told);
export const shows = (page, text) => page.getByText(text).first().waitFor();
export const shot = (page, name) => page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
export const post = async (url, body) => fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

/** Fails if axe finds anything, in light and in dark. */
export const accessible = async (page, name) => {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    const found = await page.evaluate(`(() => { const module = undefined; ${AXE}; return axe.run(document, { rules: { "color-contrast": { enabled: true }, "target-size": { enabled: true } } }); })()`);
    const faults = found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
    assert.deepEqual(faults, [], `${name}, ${colorScheme}`);
    await shot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
};

/** Fails if the page has to be scrolled sideways. */
export const fits = async (page, width) => {
  await page.setViewportSize({ width, height: 800 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${wide} px too wide at ${width}`);
};
