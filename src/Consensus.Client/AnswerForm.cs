using System.Net;
using System.Text.Json.Serialization.Metadata;

namespace Consensus.Client;

/// <summary>What a success of one request looks like when a member gave it.</summary>
internal abstract class AnswerForm
{
    /// <summary>No body: 204.</summary>
    public static readonly AnswerForm Empty = new NoContent();

    /// <summary>A document of the contract.</summary>
    /// <param name="isWhole">Whether it has what only this request asks for; null: it need not.</param>
    public static AnswerForm Document<T>(JsonTypeInfo<T> type, Func<T, bool>? isWhole = null)
        where T : class => new OneDocument<T>(type, isWhole);

    /// <summary>What the answer says; null when nobody who knows the contract gave it.</summary>
    public abstract object? Read(HttpStatusCode status, byte[] body);

    private sealed class NoContent : AnswerForm
    {
        private static readonly EmptyAnswer Nothing = new();

        public override object? Read(HttpStatusCode status, byte[] body) => status == HttpStatusCode.NoContent ? Nothing : null;
    }

    private sealed class OneDocument<T>(JsonTypeInfo<T> type, Func<T, bool>? isWhole) : AnswerForm
        where T : class
    {
        public override object? Read(HttpStatusCode status, byte[] body) =>
            AnswerBody.Read(body, type) is { } document && isWhole?.Invoke(document) != false ? document : null;
    }
}
