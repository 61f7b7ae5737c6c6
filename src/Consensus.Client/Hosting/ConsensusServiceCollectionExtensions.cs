using System.Diagnostics.CodeAnalysis;
using Consensus.Api;
using Consensus.Client.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Consensus.Client;

/// <summary>The client in a .NET host.</summary>
public static class ConsensusServiceCollectionExtensions
{
    /// <summary>Adds <see cref="IConsensusClient"/>, one for the whole program, and <see cref="ConsensusHealthCheck"/>.</summary>
    /// <param name="endpoints">Client addresses of members, separated by commas; <c>http://</c> and <c>:7379</c> may be left out.</param>
    /// <exception cref="ArgumentException">There is no endpoint, or one is no scheme, host and port alone.</exception>
    public static IServiceCollection AddConsensusClient(this IServiceCollection services, string endpoints) =>
        services.AddConsensusClient(Options(endpoints, null));

    /// <summary>As the other, over https; <c>https://</c> may be left out.</summary>
    /// <exception cref="ArgumentException">There is no endpoint, or one is no scheme, host and port alone, or is http.</exception>
    public static IServiceCollection AddConsensusClient(this IServiceCollection services, string endpoints, ClientTls tls)
    {
        ArgumentNullException.ThrowIfNull(tls);
        return services.AddConsensusClient(Options(endpoints, tls));
    }

    /// <summary>As the other, with options that may be made out of other services, such as the configuration.</summary>
    public static IServiceCollection AddConsensusClient(this IServiceCollection services, Func<IServiceProvider, ConsensusClientOptions> options)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(options);
        services.TryAddSingleton<IConsensusClient>(provider =>
        {
            var own = options(provider);
            return new ConsensusClient(own with { LoggerFactory = own.LoggerFactory ?? provider.GetService<ILoggerFactory>() });
        });
        services.TryAddSingleton<ConsensusHealthCheck>();
        return services;
    }

    /// <summary>
    /// Runs a hosted service only while this process leads an election. Each time it is elected, a new <typeparamref name="TService"/> is made in a scope of its own and
    /// started; when leadership is lost or the host stops, the service is stopped, and only when it <b>has</b> stopped and its scope was disposed of does this process resign, or stand
    /// again. A constructor may take the <see cref="LeadershipHandle"/>, for its fencing token. A service that ends by itself resigns and stands again.
    /// </summary>
    public static IServiceCollection AddLeaderElectedHostedService<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TService>(
        this IServiceCollection services, string election, LeaderElectedOptions? options = null)
        where TService : class, IHostedService
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(election);
        services.TryAddScoped<LeadershipScope>();
        services.TryAddScoped(provider => provider.GetRequiredService<LeadershipScope>().Handle);
        return services.AddSingleton<IHostedService>(provider =>
            ActivatorUtilities.CreateInstance<LeaderElectedHost<TService>>(provider, new LeaderElectedElection(election), options ?? new LeaderElectedOptions()));
    }

    private static Func<IServiceProvider, ConsensusClientOptions> Options(string endpoints, ClientTls? tls)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(endpoints);
        var scheme = tls is null ? Uri.UriSchemeHttp : Uri.UriSchemeHttps;
        var options = new ConsensusClientOptions
        {
            Endpoints = [.. endpoints.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(Endpoint)],
            Tls = tls,
        }.Checked(nameof(endpoints));
        return _ => options;

        Uri Endpoint(string text) => MemberUrl.TryParse(text, scheme, out var url, out var refusal)
            ? url
            : throw new ArgumentException($"The endpoint {text} cannot be used: {refusal}.", nameof(endpoints));
    }
}
