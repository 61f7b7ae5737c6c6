using System.Text;
using System.Text.Json;
using Consensus.Api;
using Consensus.Api.Problems;
using Consensus.Server.Http;
using Consensus.Translation;

namespace Consensus.Server.Tls;

/// <summary>
/// What whoever speaks HTTP without TLS to an address that has it is told, in its own language; else it would see bytes that it cannot
/// read, or nothing.
/// </summary>
internal static class PlainTextAnswer
{
    public static byte[] Bytes { get; } = Write();

    private static byte[] Write()
    {
        var problem = Problem.BadRequest("this address speaks https: ask for https:// (consensusctl and consensusd: --tls FILE)");
        var body = JsonSerializer.SerializeToUtf8Bytes(problem.ToAnswer(), ApiJson.Default.ProblemAnswer);
        string[] head =
        [
            "HTTP/1.1 400 Bad Request",
            $"Content-Type: {ProblemType.ContentType}",
            $"Content-Length: {body.Length}",
            $"Cache-Control: {Replies.NotKept}",
            "Connection: close",
            "",
            "",
        ];
        return [.. Encoding.ASCII.GetBytes(string.Join("\r\n", head)), .. body];
    }
}
