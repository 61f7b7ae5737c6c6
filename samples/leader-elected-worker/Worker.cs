using Consensus.Api.Transactions;
using Consensus.Client;
using Microsoft.Extensions.Hosting;

namespace Consensus.Samples.LeaderElectedWorker;

/// <summary>The work that exactly one process does: made anew for each term of leadership, stopped before that term ends.</summary>
internal sealed class Worker(IConsensusClient client, LeadershipHandle leadership) : BackgroundService
{
    public const string Election = "samples/worker";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Console.WriteLine($"{leadership.Candidate}: leads with token {leadership.FencingToken}");
        try
        {
            for (var step = 1; ; step++)
            {
                await WriteAsync(step, stoppingToken);
                Console.WriteLine($"{leadership.Candidate}: step {step}");
                await Task.Delay(TimeSpan.FromMilliseconds(250), stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            Console.WriteLine($"{leadership.Candidate}: stops");
        }
    }

    /// <summary>A guarded write: done only while this very leadership is current, so that a leader that was paused and replaced writes nothing more.</summary>
    private async Task WriteAsync(int step, CancellationToken cancellationToken)
    {
        var answer = await client.TransactAsync(
            new TxnRequest
            {
                Compare = [new TxnCompareRequest { Election = Election, FencingToken = leadership.FencingToken }],
                Success = [new TxnOperationRequest { Put = new TxnPutRequest { Key = "samples/worker/progress", Value = $"{leadership.Candidate} {step}" } }],
            },
            cancellationToken);
        if (!answer.Succeeded)
        {
            throw new InvalidOperationException("Another process leads.");
        }
    }
}
