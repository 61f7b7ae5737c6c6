using Consensus.Api;
using Microsoft.Extensions.DependencyInjection;

namespace Consensus.Client.Tests.Transport;

/// <summary>What of an endpoint would not be used is refused: a request must not go to another place than the one that was written down.</summary>
internal sealed class EndpointTests
{
    private static readonly string[][] Refused =
    [
        ["http://a:7379/prefix", "it has a path"],
        ["http://a:7379//", "it has a path"],
        ["http://a:7379/?region=eu", "it has a query"],
        ["http://a:7379?", "it has a query"],
        ["http://a:7379/#b", "it has a fragment"],
        ["http://a:7379#", "it has a fragment"],
        ["http://me:secret@a:7379", "it has user information"],
        ["http://@a:7379", "it has user information"],
        ["ftp://a:7379", "its scheme is neither http nor https"],
        ["http://a:0", "it names no port"],
    ];

    [TestCaseSource(nameof(Refused))]
    public void A_client_takes_no_endpoint_of_which_it_would_use_a_part_only(string endpoint, string reason)
    {
        var bad = new Uri(endpoint);
        Assert.That(() => new ConsensusClient(new Uri("http://127.0.0.1:7379"), bad), Throws.ArgumentException.With.Message.Contains(reason));
        Assert.That(() => new ConsensusApiClient(new ConsensusClientOptions { Endpoints = [bad] }), Throws.ArgumentException.With.Message.Contains(reason));
        Assert.That(() => new ServiceCollection().AddConsensusClient($"a:7379,{endpoint}"), Throws.ArgumentException.With.Message.Contains(reason));
    }

    [Test]
    public void A_relative_endpoint_is_none() =>
        Assert.That(() => new ConsensusClient(new Uri("/a", UriKind.Relative)), Throws.ArgumentException.With.Message.Contains("its scheme is neither"));

    [TestCase("")]
    [TestCase("a b")]
    [TestCase("http://")]
    [TestCase("http://a:99999")]
    public void What_is_no_URL_is_said_to_be_none(string text)
    {
        Assert.That(MemberUrl.TryParse(text, out _, out var refusal), Is.False);
        Assert.That(refusal, Is.EqualTo("it is no URL"));
    }

    [TestCase("http://a:7379/", "http://a:7379/")]
    [TestCase("HTTPS://A.example", "https://a.example/")]
    [TestCase("a:7379", "http://a:7379/")]
    [TestCase("[::1]:7379", "http://[::1]:7379/")]
    public void An_endpoint_is_a_scheme_a_host_and_a_port(string text, string url)
    {
        Assert.That(MemberUrl.TryParse(text, out var parsed, out _), Is.True);
        Assert.That(parsed!.ToString(), Is.EqualTo(url));
        using var provider = new ServiceCollection().AddConsensusClient(text).BuildServiceProvider();
        Assert.That(provider.GetService<IConsensusClient>(), Is.Not.Null);
    }

    [Test]
    public void A_list_of_endpoints_without_any_is_refused_where_it_is_given() =>
        Assert.That(() => new ServiceCollection().AddConsensusClient(" , "), Throws.ArgumentException);
}
