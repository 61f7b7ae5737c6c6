using Consensus.Raft;
using Consensus.Raft.Log;

namespace Consensus.Exploration.Members;

/// <summary>What became of a step. The core is a function of its inputs, so it is worked out once and known from then on.</summary>
/// <param name="Next">The member's state after it, by number.</param>
/// <param name="Sent">Messages that left, by number.</param>
/// <param name="Committed">What the member takes for committed since this step.</param>
/// <param name="Reads">Answers to what it asked.</param>
/// <param name="AskedContext">The number of the read that was asked, else 0.</param>
internal sealed record Outcome(int Next, int[] Sent, Entry[] Committed, ReadState[] Reads, long AskedContext);

/// <summary>A promise is broken, or the search met what it does not know.</summary>
internal sealed class BrokenPromiseException(string message) : Exception(message)
{
    public static void Unless(bool holds, Func<string> what)
    {
        if (!holds)
        {
            throw new BrokenPromiseException(what());
        }
    }
}
