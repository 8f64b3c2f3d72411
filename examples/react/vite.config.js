import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  base: "./",
  // The package is linked here, and has a React of its own for its tests.
  resolve: { dedupe: ["react"] },
});
