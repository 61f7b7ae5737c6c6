using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Consensus.Client;

/// <summary>Names of what the client tells about itself: give them to <c>AddSource</c> and <c>AddMeter</c> of OpenTelemetry.</summary>
public static class ClientTelemetry
{
    /// <summary>Activities: <c>consensus.acquire</c>, <c>consensus.request</c>.</summary>
    public const string ActivitySourceName = "Consensus.Client";

    /// <summary>Instruments: <c>consensus.client.requests</c>, <c>.acquire.duration</c>, <c>.acquire.refused</c>, <c>.holds</c>, <c>.holds.lost</c>, <c>.renewals</c>.</summary>
    public const string MeterName = "Consensus.Client";

    private static readonly ActivitySource Source = new(ActivitySourceName);
    /// <summary>False in a program that was built without metrics: to make instruments that record nothing takes a short-lived one noticeable time.</summary>
    private static readonly bool HasMetrics = !AppContext.TryGetSwitch("System.Diagnostics.Metrics.Meter.IsSupported", out var isOn) || isOn;

    internal static Activity? StartAcquire(string kind, string what) =>
        Source.StartActivity("consensus.acquire", ActivityKind.Client)?.SetTag("consensus.kind", kind).SetTag("consensus.what", what);

    internal static Activity? StartRequest(ApiRequest request) =>
        Source.StartActivity("consensus.request", ActivityKind.Client)?
            .SetTag("http.request.method", request.Method.Method)
            .SetTag("url.path", request.Target);

    internal static void Answered(Activity? activity, string outcome, string detail)
    {
        if (HasMetrics)
        {
            Instruments.Requests.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
        }
        activity?.SetTag("consensus.outcome", outcome);
        if (outcome is not "Done")
        {
            activity?.SetStatus(ActivityStatusCode.Error, detail);
        }
    }

    internal static void Acquired(string kind, TimeSpan duration) =>
        Instruments.AcquireDuration.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("kind", kind));

    internal static void NotAcquired(string kind) => Instruments.Refused.Add(1, new KeyValuePair<string, object?>("kind", kind));

    internal static void HoldBegan() => Instruments.Holds.Add(1);

    internal static void HoldEnded(bool lost)
    {
        Instruments.Holds.Add(-1);
        if (lost)
        {
            Instruments.Losses.Add(1);
        }
    }

    internal static void Renewed(HoldRenewalOutcome outcome) =>
        Instruments.Renewals.Add(1, new KeyValuePair<string, object?>("outcome", outcome.ToString()));

    private static class Instruments
    {
        private static readonly Meter Meter = new(MeterName);

        public static readonly Counter<long> Requests = Meter.CreateCounter<long>(
            "consensus.client.requests", "{request}", "Operations by their outcome, whatever number of sends each took.");

        public static readonly Histogram<double> AcquireDuration = Meter.CreateHistogram<double>(
            "consensus.client.acquire.duration", "s", "From asking for a hold to having it.");

        public static readonly Counter<long> Refused = Meter.CreateCounter<long>(
            "consensus.client.acquire.refused", "{acquire}", "Holds that were not granted in time.");

        public static readonly UpDownCounter<long> Holds = Meter.CreateUpDownCounter<long>(
            "consensus.client.holds", "{hold}", "What is held and renewed now.");

        public static readonly Counter<long> Losses = Meter.CreateCounter<long>(
            "consensus.client.holds.lost", "{hold}", "Holds that ended before they were given back.");

        public static readonly Counter<long> Renewals = Meter.CreateCounter<long>(
            "consensus.client.renewals", "{renewal}", "Renewals by their outcome.");
    }
}
