// One question through the TypeScript Agent SDK, which its first argument names, with the options of the second (JSON).
const { query } = await import(process.argv[2]);
for await (const message of query({ prompt: "ping", options: JSON.parse(process.argv[3]) })) {
  if (message.type === "result") console.log(JSON.stringify({ result: message.result }));
}
