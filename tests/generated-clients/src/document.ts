// The committed document, and the check that an answer of the server is what it says.
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { readFileSync } from "node:fs";

interface Operation {
  operationId: string;
  tags: string[];
  parameters?: { name: string; in: string; example?: unknown }[];
  requestBody?: { content: Record<string, { example?: unknown }> };
  responses: Record<string, { $ref?: string; content?: Record<string, unknown> }>;
}

interface OpenApi {
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { responses: Record<string, { content?: Record<string, unknown> }> };
}

export const document = JSON.parse(readFileSync(new URL("../../../../openapi/cn2-v1.json", import.meta.url), "utf8")) as OpenApi;

const ajv = new Ajv2020({ strict: false, allErrors: true, formats: {} });
formats.default(ajv);
ajv.addSchema(document, "cn2");
const validators = new Map<string, ValidateFunction>();

/** Every operation, in the order of the tags. */
export function* operations(): Generator<{ path: string; method: string; operation: Operation }> {
  for (const tag of document.tags) {
    for (const [path, item] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(item)) {
        if (operation.tags.includes(tag.name)) yield { path, method, operation };
      }
    }
  }
}

/** Throws when status, content type or body of an answer are not what the document says of the operation. */
export async function checkAnswer(path: string, method: string, answer: Response): Promise<void> {
  const where = `${method.toUpperCase()} ${path} answered ${answer.status}`;
  let response = document.paths[path]?.[method.toLowerCase()]?.responses[String(answer.status)];
  if (!response) throw new Error(`${where}, which the document does not say: ${await answer.text()}`);
  let pointer = `/paths/${escape(path)}/${method.toLowerCase()}/responses/${answer.status}`;
  if (response.$ref) {
    pointer = response.$ref.slice(1);
    response = document.components.responses[pointer.split("/").pop()!]!;
  }

  const type = answer.headers.get("content-type")?.split(";")[0];
  if (!response.content) {
    if (type) throw new Error(`${where} with a body of ${type}; the document says none`);
    return;
  }

  if (!type || !(type in response.content)) throw new Error(`${where} with ${type}; the document says ${Object.keys(response.content).join(", ")}`);
  if (!type.endsWith("json")) return;
  pointer += `/content/${escape(type)}/schema`;
  const validate = validators.get(pointer) ?? ajv.compile({ $ref: `cn2#${pointer}` });
  validators.set(pointer, validate);
  if (!validate(await answer.json())) throw new Error(`${where}; its body is not what the document says: ${ajv.errorsText(validate.errors)}`);
}

// A path as a part of a JSON pointer in the fragment of a URI (RFC 6901).
function escape(part: string): string {
  return encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1"));
}
