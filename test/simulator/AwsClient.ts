/**
 * AwsClient: AWS's own streaming client, pointed at a simulator: the judge of what it sends.
 */
import {
  CodeWhispererStreamingClient,
  type ChatResponseStream,
  type ConversationState,
  GenerateAssistantResponseCommand,
  InvokeMCPCommand
} from "@aws/codewhisperer-streaming-client"
import { Effect } from "effect"
import type { Simulator } from "../../src/simulator/KiroSimulator.ts"

/** What the client threw, as the client told it. */
export interface Thrown {
  readonly name: string
  readonly message: string
  readonly reason: string | undefined
  readonly status: number | undefined
}

/** All events that came, and what ended them. */
export interface Heard {
  readonly events: ReadonlyArray<ChatResponseStream>
  readonly conversationId: string | undefined
  readonly thrown: Thrown | null
}

/** A client with a fixed token that never tries twice. */
export const makeClient = (simulator: Simulator, token: string) =>
  Effect.acquireRelease(
    Effect.sync(
      () =>
        new CodeWhispererStreamingClient({
          endpoint: simulator.url,
          region: "us-east-1",
          token: { token },
          maxAttempts: 1
        })
    ),
    (client) => Effect.sync(() => client.destroy())
  )

/** One call, heard to its end. */
export const ask = (simulator: Simulator, conversationState: ConversationState, token = "token-1") =>
  makeClient(simulator, token).pipe(
    Effect.flatMap((client) => Effect.promise((signal) => hear(client, conversationState, signal))),
    Effect.scoped
  )

/** A web search, and the text of what came back. */
export const searchFor = (simulator: Simulator, query: string, token = "token-1") =>
  makeClient(simulator, token).pipe(
    Effect.flatMap((client) =>
      Effect.promise((abortSignal) =>
        client.send(
          new InvokeMCPCommand({
            id: "1",
            jsonrpc: "2.0",
            method: "tools/call",
            params: { name: "web_search", arguments: { query } }
          }),
          { abortSignal }
        )
      )
    ),
    Effect.scoped
  )

/** A conversation of one user message. */
export const saying = (content: string, modelId = "claude-sonnet-4.5"): ConversationState => ({
  conversationId: "0b4445e1-f5be-49e1-87ce-62bbc28ad705",
  chatTriggerType: "MANUAL",
  currentMessage: { userInputMessage: { content, modelId, origin: "AI_EDITOR" } }
})

/** A conversation whose answer is these steps. */
export const scripted = (steps: ReadonlyArray<unknown>) => saying(`!sim ${JSON.stringify(steps)}`)

/** The text of all events. */
export const textOf = ({ events }: Heard): string =>
  events.map((event) => event.assistantResponseEvent?.content ?? "").join("")

const hear = async (
  client: CodeWhispererStreamingClient,
  conversationState: ConversationState,
  signal: AbortSignal
): Promise<Heard> => {
  const events: Array<ChatResponseStream> = []
  let conversationId: string | undefined
  try {
    const command = new GenerateAssistantResponseCommand({ conversationState })
    const response = await client.send(command, { abortSignal: signal })
    conversationId = response.conversationId
    for await (const event of response.generateAssistantResponseResponse ?? []) events.push(event)
    return { events, conversationId, thrown: null }
  } catch (error) {
    return { events, conversationId, thrown: toThrown(error) }
  }
}

const toThrown = (error: unknown): Thrown => {
  if (!(error instanceof Error)) return { name: "none", message: String(error), reason: undefined, status: undefined }
  const reason = "reason" in error && typeof error.reason === "string" ? error.reason : undefined
  const metadata: unknown = "$metadata" in error ? error.$metadata : null
  const status =
    typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata
      ? metadata.httpStatusCode
      : undefined
  return { name: error.name, message: error.message, reason, status: typeof status === "number" ? status : undefined }
}
