import { defineConfig } from "vitest/config"

/**
 * Four projects. `npm test` runs the first three, in this order: the compiler does not take the processor from tests that
 * wait, nor those from tests that measure; `npm run test:clients` runs the fourth.
 */
export default defineConfig({
  test: {
    reporters: ["minimal", "./test/Summary.ts"],
    // A focused test left behind would pass for the whole suite.
    allowOnly: false,
    projects: [
      {
        extends: true,
        test: {
          name: "toolchain",
          include: ["test/Toolchain.test.ts"],
          testTimeout: 300_000,
          sequence: { groupOrder: 0 }
        }
      },
      {
        extends: true,
        test: {
          name: "weir",
          include: ["test/**/*.test.ts"],
          globalSetup: "test/support/PostgresServer.ts",
          exclude: ["test/Toolchain.test.ts", "test/bench/**", "test/clients/**"],
          maxWorkers: "100%",
          testTimeout: 20_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 1 }
        }
      },
      {
        extends: true,
        test: {
          name: "bench",
          include: ["test/bench/**/*.test.ts"],
          maxWorkers: 1,
          // Whatever else the machine does makes a measurement worse, never better, and may take it a while.
          retry: { count: 2, delay: 30_000 },
          testTimeout: 60_000,
          sequence: { groupOrder: 2 }
        }
      },
      {
        extends: true,
        test: {
          name: "clients",
          include: ["test/clients/**/*.test.ts"],
          // Each file starts a gateway and programs of others; side by side they would time each other out.
          maxWorkers: 1,
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 3 }
        }
      }
    ]
  }
})
