// Redocly's linter without its command line program, which needs Node.js 20.
import { formatProblems, getTotals, lint, loadConfig } from "@redocly/openapi-core";
import { fileURLToPath } from "node:url";

const config = await loadConfig({ configPath: fileURLToPath(new URL("redocly.yaml", import.meta.url)) });
const problems = await lint({ ref: process.argv[2], config });
const totals = getTotals(problems);
formatProblems(problems, { totals, version: "", maxProblems: 1000 });
console.log(`${totals.errors} errors, ${totals.warnings} warnings`);
process.exitCode = problems.length > 0 ? 1 : 0;
