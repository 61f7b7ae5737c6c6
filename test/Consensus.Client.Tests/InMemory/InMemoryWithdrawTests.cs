using Consensus.Client.Testing.Api;
using Consensus.Client.Testing.Store;

namespace Consensus.Client.Tests.InMemory;

/// <summary>Withdrawals of the fake.</summary>
internal sealed class InMemoryWithdrawTests
{
    [Test]
    public async Task What_was_never_asked_is_withdrawn_and_what_is_no_key_is_refused()
    {
        using var store = new InMemoryStore(TimeProvider.System);
        using var api = new InMemoryApi(store);
        var withdrawn = await api.WithdrawAsync("never", CancellationToken.None);
        Assert.That(withdrawn.Value?.Outcome, Is.EqualTo("withdrawn"));
        foreach (var key in (string[])["", "gr\u00fcn", new string('k', 129)])
        {
            var refused = await api.WithdrawAsync(key, CancellationToken.None);
            Assert.That((refused.Problem?.Status, refused.Problem?.Slug), Is.EqualTo((400, "bad-request")), key);
        }
    }
}
