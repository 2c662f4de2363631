// JupyterHub's proxy, with a guard in front of the learners' servers: node proxy.mjs SETTINGS.json SECRETS.json
//
// A learner's server is a program of that learner's. Whoever opens it runs its scripts and sends it cookies. So a browser
// comes to a server only with the cookie that says whose browser it is, and the server gets no cookies but its own.
import crypto from "node:crypto";
import fs from "node:fs";
import { ConfigurableProxy } from "configurable-http-proxy";
import { defaultLogger } from "configurable-http-proxy/lib/log.js";

const read = (file) => JSON.parse(fs.readFileSync(file, "utf8"));
const settings = read(process.argv[2]);
const secrets = read(process.argv[3]);
const COOKIE = "labkit-server";
const APP_COOKIE = "labkit-app"; // says the same to one app's page: a form of a sandboxed page sends no cookie for the whole site

const cookies = (req) => (req.headers.cookie ?? "").split(";").map((one) => one.trim()).filter(Boolean);

// Whose browser this is: "" for one that has not come from the Hub, null for a cookie that the Hub did not make.
function whose(req, cookie = COOKIE) {
  const found = cookies(req).find((one) => one.startsWith(`${cookie}=`));
  if (!found) return "";
  const [name, mark] = found.slice(cookie.length + 1).split(".");
  const right = crypto.createHmac("sha256", secrets.guard).update(name).digest();
  const given = Buffer.from(mark ?? "", "hex");
  return given.length === right.length && crypto.timingSafeEqual(given, right) ? name : null;
}

// The page of an app that a learner has deployed (labkit/jupyter/apps.py): sandboxed, so that what it asks for comes without
// cookies, at an address that nobody can guess. Only what is written in exactly this way, with nothing in it that leads elsewhere,
// goes to the learner's server without a cookie; and it goes with nothing that could sign anybody in.
const APP = /^(\/user\/([a-z0-9-]+)\/labkit\/app\/[A-Za-z0-9_-]{43}\/[A-Za-z0-9_.-]{1,63})(?:[/?]|$)/;
const PARTS = ["script", "style", "image", "font", "audio", "video", "track", "manifest", "empty", "worker"];
const HOST = /^(?:[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/;

// The path that this app's page has for itself, or undefined for an address of something else.
function appOf(req, owner) {
  const [, prefix, name] = APP.exec(req.url) ?? [];
  const path = req.url.split("?")[0].replace(/%2e/gi, ".").replace(/%2f|%5c|\\/gi, "/");
  if (name !== owner || path.split("/").some((part) => part === "." || part === "..")) return undefined;
  return HOST.test(req.headers.host ?? "") ? `${prefix}/` : undefined;
}

// The learner's server is that learner's program, and may answer what it likes. So it is here that its answer becomes a page of
// no origin, whose scripts reach nothing but its own path, and which tells the browser nothing about the whole server.
const KEPT = [
  "accept-ranges", "allow", "connection", "content-disposition", "content-encoding", "content-language", "content-length",
  "content-range", "content-type", "last-modified", "retry-after", "x-answered-by", "x-content-type-options",
  "access-control-allow-origin", "access-control-allow-methods", "access-control-allow-headers", "access-control-expose-headers",
];

function sandbox(headers, req) {
  const { prefix, told } = req.labkitApp;
  const { location } = headers;
  for (const name of Object.keys(headers)) if (!KEPT.includes(name)) delete headers[name];
  if (/multipart|message/i.test(headers["content-type"])) headers["content-type"] = "application/octet-stream"; // its parts have headers
  const own = `${req.headers.host}${prefix}`;
  headers["content-security-policy"] =
    "sandbox allow-scripts allow-forms allow-modals; frame-src 'none'; object-src 'none'; frame-ancestors 'none'; " +
    `default-src ${own} 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src ${own}; form-action ${own}; base-uri ${own}`;
  headers["referrer-policy"] = "same-origin";
  headers["permissions-policy"] = "camera=(), microphone=(), geolocation=(), display-capture=()";
  headers["cache-control"] = "no-store";
  if (told) headers["set-cookie"] = `${APP_COOKIE}=${told}; Path=${prefix}; Secure; HttpOnly; SameSite=None`;
  if (location === undefined) return;
  try {
    const here = new URL(req.url, `https://${req.headers.host}`);
    const there = new URL(location, here);
    const own = there.host === here.host && there.pathname.startsWith(prefix) && !/%2e|%2f|%5c/i.test(there.pathname);
    if (own || (there.hostname !== here.hostname && /^https?:$/.test(there.protocol))) headers.location = there.href;
  } catch {
    // no address: it leads nowhere
  }
}

// Who listens where a request would go: every user of this machine can take a port of the loopback that has just become free,
// as of a server that has died. Undefined where nobody does.
function listener(port) {
  const wanted = Number(port).toString(16).toUpperCase().padStart(4, "0");
  const places = [
    ["/proc/net/tcp", "0100007F"],
    ["/proc/net/tcp", "00000000"],
    ["/proc/net/tcp6", "0000000000000000FFFF00000100007F"],
    ["/proc/net/tcp6", "00000000000000000000000000000000"],
  ]; // in the order in which the system looks for one
  const told = {};
  for (const [file, address] of places) {
    told[file] ??= listening(file);
    const found = told[file].find((line) => line[1] === `${address}:${wanted}`);
    if (found) return Number(found[7]);
  }
  return undefined;
}

// Its first lines: those that listen come first, and of others there may be thousands.
function listening(file) {
  const found = [];
  let opened;
  try {
    opened = fs.openSync(file, "r");
    const piece = Buffer.alloc(16384);
    let rest = "";
    for (let size; (size = fs.readSync(opened, piece)) > 0; ) {
      const lines = (rest + piece.toString("latin1", 0, size)).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const parts = line.trim().split(/\s+/);
        if (parts[0] === "sl") continue;
        if (parts[3] !== "0A") return found;
        found.push(parts);
      }
    }
  } catch {
    // no Linux, or no IPv6
  } finally {
    if (opened !== undefined) fs.closeSync(opened);
  }
  return found;
}

let users = new Map();
let usersOf = NaN; // when the file that they are from was changed

// The number of a user of this machine.
function number(name) {
  const changed = fs.statSync("/etc/passwd").mtimeMs;
  if (changed !== usersOf) {
    const lines = fs.readFileSync("/etc/passwd", "utf8").split("\n").map((line) => line.split(":"));
    [users, usersOf] = [new Map(lines.map((parts) => [parts[0], Number(parts[2])])), changed];
  }
  return users.get(name);
}

// Whether it is who should be there: the classroom's own programs, and for a learner's server that learner.
function right(target, owner) {
  const there = listener(new URL(target).port);
  return there === undefined || there === process.getuid() || (owner !== undefined && there === number(owner));
}

class Guarded extends ConfigurableProxy {
  // Undefined where the request may go on; else what to answer: [status, headers, text].
  async refused(req) {
    let match;
    try {
      match = await this.targetForReq(req);
    } catch {
      return [400, {}, "This address cannot be read.\n"];
    }
    for (const name of ["x-forwarded-for", "x-forwarded-proto", "x-forwarded-port", "x-forwarded-host", "forwarded", "x-real-ip", "x-scheme"]) delete req.headers[name];
    const [, kind, owner] = match?.prefix.split("/") ?? [];
    if (match && !right(match.target, kind === "user" ? owner : undefined)) {
      console.error(`Another user's program listens where ${match.prefix} leads to`);
      return [503, {}, "This server has just ended. Load the page again in a minute.\n"];
    }
    if (kind !== "user") {
      req.headers.cookie = cookies(req).filter((one) => !one.startsWith("__Host-labkit-")).join("; ");
      return undefined;
    }
    const prefix = appOf(req, owner);
    let browser = whose(req);
    if (prefix !== undefined) {
      if (browser !== owner && whose(req, APP_COOKIE) === owner) browser = owner;
      const part = PARTS.includes(req.headers["sec-fetch-dest"]);
      if (req.headers["service-worker"] || req.headers.upgrade) return [403, {}, "An app's page has none of these here.\n"];
      if (part || browser === owner) {
        const known = cookies(req).find((one) => one.startsWith(`${COOKIE}=${owner}.`));
        req.labkitApp = { prefix, told: part || !known ? "" : known.slice(COOKIE.length + 1) };
        for (const name of ["cookie", "authorization", "proxy-authorization"]) delete req.headers[name];
        return undefined;
      }
    }
    const program = prefix === undefined && !req.headers.cookie && req.headers.authorization; // no page can make a browser send that
    if (browser !== owner && !program) {
      if (browser === "" && req.method === "GET" && req.headers["sec-fetch-mode"] === "navigate") {
        return [302, { location: `/hub/labkit/sign-in?next=${encodeURIComponent(req.url)}` }, ""];
      }
      return [403, {}, "This JupyterLab is another learner's.\n"];
    }
    const own = [`jupyterhub-user-${owner}`, "_xsrf", "jupyterhub-session-id"];
    req.headers.cookie = cookies(req).filter((one) => own.some((name) => one.startsWith(name))).join("; ");
    return undefined;
  }

  logResponse(req, res) {
    if (!req.labkitApp) super.logResponse(req, res); // an address in a log would let its readers in
  }

  async handleProxyWeb(req, res) {
    const refused = await this.refused(req);
    if (refused === undefined) return super.handleProxyWeb(req, res);
    const [status, headers, text] = refused;
    res.writeHead(status, { "content-type": "text/plain", "cache-control": "no-store", ...headers });
    res.end(text);
  }

  async handleProxyWs(req, socket, head) {
    socket.on("error", () => socket.destroy()); // whoever asked may leave while we look
    const refused = await this.refused(req);
    if (refused === undefined) return super.handleProxyWs(req, socket, head);
    socket.end(`HTTP/1.1 ${refused[0]} Refused\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  }
}

const shown = (key, cert) => ({ key: fs.readFileSync(key), cert: fs.readFileSync(cert), minVersion: "TLSv1.2" });
const tls = () => shown(settings.tls_key, settings.tls_certificate);
const proxy = new Guarded({
  log: defaultLogger({ level: "warn" }),
  ssl: tls(),
  authToken: secrets.proxy,
  defaultTarget: settings.hub,
  errorTarget: `${settings.hub}/hub/error`,
  xfwd: true,
});
proxy.proxy.on("proxyRes", (answer, req) => {
  if (req.labkitApp) sandbox(answer.headers, req);
});
const failed = (error) => {
  console.error(String(error));
  process.exit(1);
};
// JupyterLabs on other servers know the classroom's own authority, and ask for its own name.
if (settings.own_name) proxy.proxyServer.addContext(settings.own_name, shown(settings.own_key, settings.own_certificate));
proxy.proxyServer.on("error", failed);
proxy.apiServer.on("error", failed);
function renewed() {
  try {
    proxy.proxyServer.setSecureContext(tls()); // a renewed certificate counts without a restart
  } catch (error) {
    console.error(`The certificate has changed and cannot be used, the one before is: ${error}`);
  }
}
// Both: what renews them may write the one while the other is still the old one.
for (const file of [settings.tls_certificate, settings.tls_key]) fs.watchFile(file, { interval: 10_000 }, renewed);
proxy.proxyServer.listen(settings.port, settings.host);
proxy.apiServer.listen(settings.proxy_api, "127.0.0.1");
process.on("uncaughtException", (error) => console.error(error.stack ?? String(error))); // one connection's; the others go on
