// Makes the types of the messages, src/messages.d.ts, from the schemas in docs/asyncapi.yaml.
// With `--check` it changes nothing, and fails if the two differ.

import { readFileSync, writeFileSync } from "node:fs";
import { parse } from "yaml";

const CONTRACT = new URL("../../docs/asyncapi.yaml", import.meta.url);
const TYPES = new URL("../src/messages.d.ts", import.meta.url);

const HEAD = "// The protocol's messages. Made from docs/asyncapi.yaml by `npm run messages`.\n";

const made = typesOf(parse(readFileSync(CONTRACT, "utf8")).components.schemas);
if (!process.argv.includes("--check")) {
  writeFileSync(TYPES, made);
} else if (readFileSync(TYPES, "utf8") !== made) {
  console.error("src/messages.d.ts is not what docs/asyncapi.yaml says: run `npm run messages`");
  process.exit(1);
}

function typesOf(schemas) {
  const parts = Object.entries(schemas).map(([name, schema]) => declaration(name, schema));
  return [HEAD, ...parts].join("\n");
}

function declaration(name, schema) {
  const body = typeOf(schema, "");
  const declared = schema.type === "object" && body.startsWith("{")
    ? `export interface ${name} ${body}` : `export type ${name} = ${body};`;
  return `${comment(schema, "")}${declared}\n`;
}

function typeOf(schema, indent) {
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.oneOf) return schema.oneOf.map((one) => typeOf(one, indent)).join(" | ");
  if (Array.isArray(schema.type)) {
    return schema.type.map((type) => typeOf({ ...schema, type }, indent)).join(" | ");
  }
  return plainTypeOf(schema, indent);
}

function plainTypeOf(schema, indent) {
  switch (schema.type) {
    case "string": case "boolean": case "null": return schema.type;
    case "integer": case "number": return "number";
    case "array": return `readonly ${arrayOf(typeOf(schema.items, indent))}[]`;
    case "object": return objectOf(schema, indent);
    case undefined: return "unknown";
    default: throw new Error(`a type that this tool does not know: ${schema.type}`);
  }
}

function arrayOf(type) {
  return type.includes("|") ? `(${type})` : type;
}

function objectOf({ properties = {}, required = [], additionalProperties }, indent) {
  const inner = `${indent}  `;
  const fields = Object.entries(properties).map(([name, schema]) => {
    const optional = required.includes(name) ? "" : "?";
    const type = typeOf(schema, inner);
    return `${comment(schema, inner)}${inner}readonly ${name}${optional}: ${type};\n`;
  });
  if (additionalProperties) fields.push(`${inner}readonly [field: string]: unknown;\n`);
  return `{\n${fields.join("")}${indent}}`;
}

function comment({ description }, indent) {
  return description ? `${indent}/** ${description.trim()} */\n` : "";
}
