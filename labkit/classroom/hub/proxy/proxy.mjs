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

const cookies = (req) => (req.headers.cookie ?? "").split(";").map((one) => one.trim()).filter(Boolean);

// Whose browser this is: "" for one that has not come from the Hub, null for a cookie that the Hub did not make.
function whose(req) {
  const found = cookies(req).find((one) => one.startsWith(`${COOKIE}=`));
  if (!found) return "";
  const [name, mark] = found.slice(COOKIE.length + 1).split(".");
  const right = crypto.createHmac("sha256", secrets.guard).update(name).digest();
  const given = Buffer.from(mark ?? "", "hex");
  return given.length === right.length && crypto.timingSafeEqual(given, right) ? name : null;
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
    if (kind !== "user") {
      req.headers.cookie = cookies(req).filter((one) => !one.startsWith("__Host-labkit-")).join("; ");
      return undefined;
    }
    const browser = whose(req);
    const program = !req.headers.cookie && req.headers.authorization; // no page can make a browser send that
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

const proxy = new Guarded({
  log: defaultLogger({ level: "warn" }),
  ssl: { key: fs.readFileSync(settings.tls_key), cert: fs.readFileSync(settings.tls_certificate), minVersion: "TLSv1.2" },
  authToken: secrets.proxy,
  defaultTarget: settings.hub,
  errorTarget: `${settings.hub}/hub/error`,
  xfwd: true,
});
const failed = (error) => {
  console.error(String(error));
  process.exit(1);
};
proxy.proxyServer.on("error", failed);
proxy.apiServer.on("error", failed);
proxy.proxyServer.listen(settings.port, settings.host);
proxy.apiServer.listen(settings.proxy_api, "127.0.0.1");
process.on("uncaughtException", (error) => console.error(error.stack ?? String(error))); // one connection's; the others go on
