// POST /participations with Express and SQLite, with one commit per request.

const crypto = require("node:crypto");
const express = require("express");
const Database = require("better-sqlite3");

const database = new Database(process.env.PEER_DATA);
database.pragma("journal_mode = WAL");
database.pragma("synchronous = FULL");
database.exec("CREATE TABLE IF NOT EXISTS participations (id TEXT PRIMARY KEY, scope TEXT, email TEXT, state TEXT)");
const insert = database.prepare("INSERT OR IGNORE INTO participations VALUES (?, ?, ?, 'received')");
const address = /^[^@\s]+@[^@\s]+\.[^@\s]+$/;

const app = express();
app.use(express.json({ limit: "64kb" }));
app.post("/participations", (request, response) => {
  const { scope, email } = request.body ?? {};
  if (typeof scope !== "string" || typeof email !== "string" || email.length > 254 || !address.test(email)) {
    return response.status(422).json({ title: "The participation is not acceptable" });
  }
  const id = crypto.createHash("sha256").update(`${scope}\0${email.toLowerCase()}`).digest("hex").slice(0, 32);
  insert.run(id, scope, email);
  response.status(202).json({ id, state: "received" });
});
app.listen(Number(process.env.PEER_PORT), "127.0.0.1");
