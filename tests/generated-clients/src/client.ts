// A client whose types are generated from the document; every answer is checked against the document as well.
import createClient from "openapi-fetch";
import type { components, paths } from "../generated/api.js";
import { checkAnswer } from "./document.js";

export type Problem = components["schemas"]["Problem"];

const address = process.env["CN2_API"];
if (!address) throw new Error("CN2_API names the address of the server");
export const baseUrl = address;

export const api = createClient<paths>({ baseUrl });
api.use({
  async onResponse({ request, response, schemaPath }) {
    await checkAnswer(schemaPath, request.method, response.clone());
  },
});
