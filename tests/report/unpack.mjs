// Unpacks what the npm package carries: Chromium, the libraries that it needs beside it, and a font.
import { spawn } from "node:child_process";
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const packed = "node_modules/@sparticuz/chromium/bin";
const folder = "node_modules/.cache/chromium";

if (process.platform === "linux" && process.arch === "x64" && !existsSync(`${folder}/chromium`)) {
  mkdirSync(folder, { recursive: true });
  for (const archive of ["al2023", "fonts"]) {
    const tar = spawn("tar", ["-xf", "-", "-C", folder], { stdio: ["pipe", "inherit", "inherit"] });
    const ended = new Promise((resolve, reject) => {
      tar.on("error", reject);
      tar.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`tar ends with ${code}`))));
    });
    await pipeline(createReadStream(`${packed}/${archive}.tar.br`), createBrotliDecompress(), tar.stdin);
    await ended;
  }
  const unfinished = `${folder}/chromium.${process.pid}`;
  await pipeline(
    createReadStream(`${packed}/chromium.br`),
    createBrotliDecompress(),
    createWriteStream(unfinished, { mode: 0o755 }),
  );
  renameSync(unfinished, `${folder}/chromium`);
}
