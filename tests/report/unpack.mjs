// Unpacks what the npm package carries: Chromium, the libraries that it needs beside it, and a font.
import { execFileSync } from "node:child_process";
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";

const packed = "node_modules/@sparticuz/chromium/bin";
const folder = "node_modules/.cache/chromium";

if (process.platform === "linux" && process.arch === "x64" && !existsSync(`${folder}/chromium`)) {
  mkdirSync(folder, { recursive: true });
  for (const archive of ["al2023", "fonts"]) {
    // by way of a file: tar stops reading at the archive's end, whatever is still to come down a pipe
    const plain = `${folder}/${archive}.tar`;
    await pipeline(createReadStream(`${packed}/${archive}.tar.br`), createBrotliDecompress(), createWriteStream(plain));
    execFileSync("tar", ["-xf", plain, "-C", folder], { stdio: ["ignore", "inherit", "inherit"] });
    rmSync(plain);
  }
  const unfinished = `${folder}/chromium.${process.pid}`;
  await pipeline(
    createReadStream(`${packed}/chromium.br`),
    createBrotliDecompress(),
    createWriteStream(unfinished, { mode: 0o755 }),
  );
  renameSync(unfinished, `${folder}/chromium`);
}
