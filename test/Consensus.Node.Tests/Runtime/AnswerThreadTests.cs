using Consensus.Node.Runtime;
using Consensus.Primitives;

namespace Consensus.Node.Tests.Runtime;

public sealed class AnswerThreadTests
{
    [Test]
    public async Task Every_answer_reaches_its_caller_alone_or_in_numbers()
    {
        var answers = new AnswerThread((what, _) => Assert.Fail(what));
        answers.Start();
        var callers = new List<Task>();
        for (var i = 0; i < 5_000; i++)
        {
            var reads = Enumerable.Range(0, 1 + (i % 3)).Select(_ => new AwaitedRead(Revision.Zero)).ToList();
            callers.AddRange(reads.Select(read => read.Task.AsTask()));
            answers.Complete([.. reads]);
        }
        await Task.WhenAll(callers).InTimeAsync();
        answers.Stop();
    }

    [Test]
    public async Task Caller_that_takes_its_time_keeps_no_other_answer_waiting()
    {
        var answers = new AnswerThread((what, _) => Assert.Fail(what));
        answers.Start();
        using var goOn = new ManualResetEventSlim();
        var slow = new AwaitedRead(Revision.Zero);
        var slowCaller = Block(slow, goOn);
        answers.Complete([slow]);
        var next = new AwaitedRead(Revision.Zero);
        var caller = next.Task.AsTask();
        answers.Complete([next]);
        await caller.InTimeAsync();
        goOn.Set();
        await slowCaller.InTimeAsync();
        answers.Stop();
    }

    [Test]
    public async Task Answer_given_as_the_thread_stops_is_told_all_the_same()
    {
        for (var round = 0; round < 200; round++)
        {
            var answers = new AnswerThread((what, _) => Assert.Fail(what));
            answers.Start();
            var read = new AwaitedRead(Revision.Zero);
            var caller = read.Task.AsTask();
            answers.Complete([read]);
            answers.Stop();
            await caller.InTimeAsync();
        }
    }

    private static async Task Block(AwaitedRead read, ManualResetEventSlim goOn)
    {
        await read.Task.ConfigureAwait(false);
        goOn.Wait(Patience.Limit);
    }
}
