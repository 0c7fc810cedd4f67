// The element in a real browser, against the real server and a simulated Braze.
import assert from "node:assert/strict";
import { accessible, fits, open, post, run, server, shot, shows, sim, siteAt, told } from "./page.mjs";

const byMail = async (page, address) => {
  await page.getByLabel("E-mail address").fill(address);
  await page.getByRole("button", { name: "Get my place" }).click();
};

await run({
  "a consumer takes part by e-mail and sees the place and the code": async (context) => {
    const page = await open(context, { scope: "browser" });
    await shows(page, "5 of 5 left");
    await accessible(page, "open");
    await byMail(page, "ada@example.com");
    await shows(page, "SPRING20");
    assert.match(await page.locator("quikly-activation h2").innerText(), /Your place[^]*1[^]*of 5/);
    await accessible(page, "won");
    const names = (await told(page)).map(([name]) => name);
    assert.deepEqual(names.slice(0, 3), ["shown", "submitted", "accepted"]);
    assert.ok(!JSON.stringify(await told(page)).match(/ada|SPRING20/), "no contact and no code is told");
    assert.deepEqual(page.faults, []);
    await page.reload();
    await shows(page, "SPRING20");
  },

  "the counter falls in a second tab within 1.5 s": async (context) => {
    const page = await open(context, { scope: "browser" });
    await shows(page, "4 of 5 left");
    await post(`${server}/participations`, { scope: "browser", email: "bob@example.com" });
    await page.getByText("3 of 5 left").waitFor({ timeout: 1500 });
  },

  "whoever takes part again is in already": async (context) => {
    const page = await open(context, { scope: "browser" });
    await byMail(page, "ada@example.com");
    await shows(page, "You are in already");
    await shot(page, "already");
  },

  "a field in error says what is wrong and keeps what was typed": async (context) => {
    const page = await open(context, { scope: "browser" });
    await byMail(page, "ada@");
    await shows(page, "There is a mistake in this.");
    const input = page.getByLabel("E-mail address");
    assert.equal(await input.inputValue(), "ada@");
    assert.equal(await input.getAttribute("aria-invalid"), "true");
    await accessible(page, "field-in-error");
  },

  "by text message, Y on the telephone is the answer": async (context) => {
    const page = await open(context, { scope: "texts" });
    await page.getByLabel("Mobile number").fill("(313) 555-0111");
    await page.getByText("I agree to get text messages").click();
    await page.getByRole("button", { name: "Get my place" }).click();
    await shows(page, "Answer Y to our text");
    await accessible(page, "answer");
    const said = await post(`${sim}/_sim/replies`, { phone: "+13135550111", text: "Y" });
    assert.ok(said.ok, await said.text());
    await shows(page, "You are in");
  },

  "who takes part in the app sees on the page what was won": async (context) => {
    const page = await open(context, { scope: "app" });
    await shows(page, "2 of 2 left");
    assert.equal(await page.locator("quikly-activation form").count(), 0, "nobody takes part on the page");
    const reported = await fetch(`${server}/webhook/braze`, {
      method: "POST",
      headers: { authorization: `Bearer ${process.env.TOKEN}` },
      body: JSON.stringify({ q_scope: "app", event: "signed_in", email: "ivy@example.com" }),
    });
    const { id } = await reported.json();
    await page.getByText("1 of 2 left").waitFor({ timeout: 1500 });
    const won = await open(context, { scope: "app", participation: id });
    await shows(won, "SPRING20");
    await accessible(won, "by-event");
  },

  "without a script the form takes part and keeps its mistakes on a page of its own": async (_, browser) => {
    const context = await browser.newContext({ javaScriptEnabled: false, locale: "fr-FR" });
    try {
      const page = await context.newPage();
      await page.goto(siteAt("127.0.0.1", { "plain-form": "asks", scope: "asks" }));
      await page.getByLabel("Address").fill("jon@example.com");
      await page.getByRole("button").click();
      await shows(page, "Cela n’a pas fonctionné");
      await shows(page, "first name");
      await shot(page, "form-in-error");
      await page.goBack();
      await page.getByLabel("Address").fill("jon@example.com");
      await page.getByLabel("Given name").fill("Jon");
      await page.getByRole("button").click();
      await shows(page, "C’est noté");
      await fits(page, 320);
      await shot(page, "form-taken");
    } finally {
      await context.close();
    }
  },

  "without a script a form leads back to the brand's page": async (_, browser) => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    try {
      const page = await context.newPage();
      const thanks = siteAt("127.0.0.1", { scope: "over" });
      await page.goto(siteAt("127.0.0.1", { "plain-form": "asks", "return-to": thanks, scope: "asks" }));
      await page.getByLabel("Address").fill("kim@example.com");
      await page.getByLabel("Given name").fill("Kim");
      await page.getByRole("button").click();
      await page.waitForURL(thanks);
    } finally {
      await context.close();
    }
  },

  "the element hides the form for pages without scripts": async (context) => {
    const page = await open(context, { scope: "asks", "plain-form": "asks" });
    await shows(page, "E-mail address");
    assert.equal(await page.getByLabel("Given name").isVisible(), false);
  },

  "a page that the brand does not list is told nothing and stores nothing": async (context) => {
    const page = await open(context, { scope: "browser" }, "localhost");
    await shows(page, "That did not get through");
    assert.equal(await page.locator("quikly-activation form").count(), 0);
  },

  "from right to left the bar fills from the right": async (context) => {
    const page = await open(context, { scope: "browser", dir: "rtl" });
    await shows(page, /of 5 left/);
    const edges = await page.evaluate(() => {
      const root = document.querySelector("quikly-activation").shadowRoot;
      const bar = root.querySelector(".bar").getBoundingClientRect();
      const fill = root.querySelector(".bar i").getBoundingClientRect();
      return { bar: [bar.left, bar.right], fill: [fill.left, fill.right] };
    });
    assert.ok(edges.fill[1] === edges.bar[1] && edges.fill[0] > edges.bar[0], JSON.stringify(edges));
    await fits(page, 320);
    await accessible(page, "rtl");
  },

  "at 200 % nothing is scrolled sideways, whether the page or its text is enlarged": async (context) => {
    for (const scope of ["browser", "asks", "later"]) {
      const page = await open(context, { scope, lang: "fr" });
      await page.locator("quikly-activation h2, quikly-activation form").first().waitFor();
      await fits(page, 640);
      await page.evaluate(() => (document.documentElement.style.fontSize = "200%"));
      await fits(page, 640);
      await fits(page, 320);
      await shot(page, `${scope}-200`);
      await page.close();
    }
  },

  "where motion is not wanted the spinner stands still": async (context) => {
    const page = await open(context, { scope: "browser" });
    await page.route(`${server}/participations`, () => {});
    await byMail(page, "lea@example.com");
    const spins = () => page.evaluate(() => getComputedStyle(document.querySelector("quikly-activation").shadowRoot.querySelector(".sp")).animationName);
    await shows(page, "Sending");
    assert.equal(await spins(), "none");
    await page.emulateMedia({ reducedMotion: "no-preference" });
    assert.notEqual(await spins(), "none");
    await page.unrouteAll({ behavior: "ignoreErrors" });
  },

  "on slow 4G with a processor four times slower the form can be used": async (context) => {
    await context.addInitScript(() => {
      const look = () => {
        const input = document.querySelector("quikly-activation")?.shadowRoot?.querySelector("input");
        if (input) window.usableAfter = performance.now();
        else requestAnimationFrame(look);
      };
      look();
    });
    const page = await context.newPage();
    const chrome = await context.newCDPSession(page);
    await chrome.send("Network.enable");
    const perSecond = (megabits) => (megabits * 1_000_000) / 8;
    await chrome.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: perSecond(1.6), uploadThroughput: perSecond(0.75) });
    await chrome.send("Emulation.setCPUThrottlingRate", { rate: 4 });
    await page.goto(siteAt("127.0.0.1", { scope: "asks" }));
    await page.getByLabel("E-mail address").fill("mia@example.com");
    console.log(`        usable after ${Math.round(await page.evaluate(() => window.usableAfter))} ms`);
  },

  "an activation that is over says so in French": async (context) => {
    const page = await open(context, { scope: "over", lang: "fr" });
    await shows(page, "C’est terminé");
    await shows(page, /Fermé : .*2021/);
    await accessible(page, "over-fr");
  },

  "without the file of the French texts the element speaks English": async (context) => {
    await context.route("**/widget/v1.fr.json", (route) => route.abort());
    const page = await open(context, { scope: "over", lang: "fr" });
    await shows(page, "This one is over");
    assert.equal(await page.locator("quikly-activation [part=body]").getAttribute("lang"), "en");
  },

  "429 and 503 are waited out and nothing is lost": async (context) => {
    const page = await open(context, { scope: "browser" });
    const soon = { "retry-after": "1" };
    const answers = [{ status: 429, headers: soon }, { status: 429 }, { status: 503, headers: soon }];
    const keys = [];
    await page.route(`${server}/participations`, (route) => {
      if (route.request().method() !== "POST") return route.continue();
      keys.push(route.request().headers()["idempotency-key"]);
      const answer = answers.shift();
      const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "retry-after" };
      return answer ? route.fulfill({ ...answer, headers: { ...answer.headers, ...cors }, contentType: "application/problem+json", body: "{}" }) : route.continue();
    });
    await byMail(page, "cleo@example.com");
    await shows(page, "Many people at once");
    await shot(page, "busy");
    await shows(page, "SPRING20");
    assert.equal(keys.length, 4);
    assert.equal(new Set(keys).size, 1, "each try has the same key");
  },

  "an answer that is lost is asked for again and is the same": async (context) => {
    const page = await open(context, { scope: "browser" });
    let lost = 0;
    await page.route(`${server}/participations`, async (route) => {
      if (route.request().method() !== "POST" || lost) return route.continue();
      lost += 1;
      await route.fetch();
      return route.abort("connectionreset");
    });
    await byMail(page, "dan@example.com");
    await shows(page, "That did not get through");
    await shows(page, "SPRING20");
    assert.equal(lost, 1);
  },

  "hostile texts stay texts": async (context) => {
    const hostile = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    const page = await open(context, { scope: "asks", "label-first_name": hostile, "text-id": hostile, incentive: hostile });
    await page.getByLabel(hostile).fill(hostile);
    await page.getByLabel("E-mail address").fill("eve@example.com");
    await page.getByRole("button", { name: "Get my place" }).click();
    await shows(page, "There is a mistake in this.");
    assert.equal(await page.locator("quikly-activation img, quikly-activation script").count(), 0);
    assert.deepEqual(page.faults, []);
    await shot(page, "hostile");
  },

  "everything works by keyboard alone": async (context) => {
    const page = await open(context, { scope: "asks" });
    await shows(page, "E-mail address");
    const typed = ["fay@example.com", "Fay"];
    for (let presses = 0; presses < 12 && typed.length; presses += 1) {
      await page.keyboard.press("Tab");
      const tag = await page.evaluate(() => document.activeElement?.shadowRoot?.activeElement?.matches("input:not([type=radio])"));
      if (tag) await page.keyboard.type(typed.shift());
    }
    await page.keyboard.press("Enter");
    await shows(page, "You are in");
  },

  "at 320 px and at 240 px nothing is scrolled sideways": async (context) => {
    for (const [scope, lang] of [["browser", "en"], ["asks", "fr"], ["over", "fr"], ["later", "fr"]]) {
      const page = await open(context, { scope, lang });
      await page.locator("quikly-activation h2, quikly-activation form").first().waitFor();
      await fits(page, 320);
      await shot(page, `${scope}-${lang}-320`);
      await fits(page, 240);
      await page.close();
    }
  },

  "a page whose clock is a day off counts by the server's time": async (context) => {
    const page = await context.newPage();
    await page.close();
    await context.clock.install({ time: Date.now() + 86_400_000 });
    await context.clock.resume();
    const shown = await open(context, { scope: "later" });
    await shows(shown, /Opens .*2099|Opens /);
    await shot(shown, "later");
    assert.equal((await told(shown))[0][1].phase, "upcoming");
  },

  "where storage is blocked the element works": async (context) => {
    await context.addInitScript(() => Object.defineProperty(window, "sessionStorage", { get: () => { throw new DOMException("blocked", "SecurityError"); } }));
    const page = await open(context, { scope: "asks" });
    await page.getByLabel("E-mail address").fill("gil@example.com");
    await page.getByLabel("First name").fill("Gil");
    await page.getByRole("button", { name: "Get my place" }).click();
    await shows(page, "You are in");
    assert.deepEqual(page.faults, []);
  },
});
