using Consensus.Raft;
using Consensus.Raft.Tests.Support;

namespace Consensus.Exploration.Members;

/// <summary>How core, disk and network of a member are put together. The base class does it rightly; mistakes made on purpose override one step.</summary>
internal class Wiring
{
    /// <summary>
    /// True when each step is looked at by itself: what leaves is on the disk (rule 5), a configuration follows a committed one. A mistake that this would see at once may be looked for by what
    /// comes of it.
    /// </summary>
    public virtual bool ChecksSteps => true;

    public virtual bool SpeaksBeforeItPersists => false;

    /// <summary>The options of a process.</summary>
    public virtual RaftOptions OptionsOf(RaftOptions options) => options;

    /// <summary>What the next process finds on the disk.</summary>
    public virtual Disk Found(Disk disk) => disk;

    /// <summary>A message leaves.</summary>
    public virtual Message Leaves(Host host, Message message) => message;

    /// <summary>True when it has answered the read itself.</summary>
    public virtual bool Answers(Host host, long context) => false;

    /// <summary>The core hands over what it asks for; nothing of it was done yet.</summary>
    public virtual void BeforeOutput(Host host)
    {
    }

    /// <summary>A step is over.</summary>
    public virtual void AfterStep(Host host)
    {
    }
}
