using Consensus.Node.Core.Flow;

namespace Consensus.Server.Http;

/// <summary>
/// Room for a large answer to something that is not done yet. Once it is done it is told whether there is room or not, so the room is held before: else many that are under way at once
/// would each find it. Let go of just before the answer is written, which then holds what it takes.
/// </summary>
internal sealed class AnswerRoom(ByteBudget? budget, long bytes) : IDisposable
{
    /// <summary>For an answer that the connection, or the stream, has room for itself.</summary>
    public static readonly AnswerRoom Own = new(null, 0);

    public void Dispose() => budget?.LetGo(bytes);
}
