// Every example of the document, sent in its order to a server that has nothing yet: each succeeds, and each answer is what the document says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseUrl } from "./client.js";
import { checkAnswer, operations } from "./document.js";

for (const { path, method, operation } of operations()) {
  test(`the example of ${operation.operationId} gets an answer that the document describes`, async () => {
    const url = new URL(baseUrl);
    url.pathname = path.replace(/\{(\w+)\}/g, (_, name: string) => String(operation.parameters?.find((p) => p.in === "path" && p.name === name)?.example));
    for (const parameter of operation.parameters ?? []) {
      if (parameter.in === "query" && parameter.example !== undefined) url.searchParams.set(parameter.name, String(parameter.example));
    }

    const [type, media] = Object.entries(operation.requestBody?.content ?? {})[0] ?? [];
    const stop = new AbortController();
    try {
      const answer = await fetch(url, {
        method: method.toUpperCase(),
        signal: stop.signal,
        ...(type ? { headers: { "Content-Type": type }, body: JSON.stringify(media!.example) } : {}),
      });
      await checkAnswer(path, method, answer.clone());
      assert.ok(answer.ok, `the answer is ${answer.status}`);
    } finally {
      stop.abort(); // the stream of Watch has no end
    }
  });
}
