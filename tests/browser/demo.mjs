// The demo's page in a real browser: the shop, the telephone, the timelines, and a connector that is killed and started again.
import assert from "node:assert/strict";
import { accessible, fits, run, shot, shows } from "./page.mjs";

const open = async (context, query = "") => {
  const page = await context.newPage();
  page.faults = [];
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && page.faults.push(message.text()));
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${process.env.DEMO}/${query}`);
  return page;
};

const byMail = async (page, address) => {
  await page.getByLabel("E-mail address").fill(address);
  await page.getByRole("button", { name: "Get my place" }).click();
};

await run({
  "whoever takes part has a code and a timeline": async (context) => {
    const page = await open(context);
    await byMail(page, "ada@example.com");
    await shows(page, "BIRCH20");
    const first = page.locator("#participations > li").first();
    await first.locator("summary").click();
    await first.getByText("Accepted, and stored").waitFor();
    assert.ok((await first.locator("ol li").count()) > 1, "there are steps");
    await first.getByText("/users/track · 201").first().waitFor();
    await page.locator("#calls tr").first().waitFor();
    await accessible(page, "demo");
    assert.deepEqual(page.faults, []);
  },

  "the page outlives the connector, and takes part once it is back": async (context) => {
    const page = await open(context);
    await page.getByLabel("E-mail address").waitFor();
    await page.getByRole("button", { name: "Kill the connector" }).click();
    await shows(page, "The connector does not run.");
    await byMail(page, "bob@example.com");
    await shows(page, "That did not get through");
    await shot(page, "demo-killed");
    await page.getByRole("button", { name: "Start the connector" }).click();
    await shows(page, "The connector runs.");
    await shows(page, "BIRCH20");
    assert.deepEqual(page.faults, []);
  },

  "the telephone answers the text, and the page says so in French": async (context) => {
    const page = await open(context, "?lang=fr");
    await page.getByText("SMS", { exact: true }).first().click();
    await page.getByLabel("Numéro de mobile").fill("(313) 555-0101");
    await page.getByText("Je veux recevoir des SMS de Birch").click();
    await page.getByRole("button", { name: "Réserver ma place" }).click();
    await page.locator("#texts").getByRole("button", { name: "Y" }).click({ timeout: 20_000 });
    await page.getByText("BIRCH20").first().waitFor({ timeout: 20_000 });
    await accessible(page, "demo-fr");
    await fits(page, 320);
    await shot(page, "demo-fr-320");
    assert.deepEqual(page.faults, []);
  },
});
