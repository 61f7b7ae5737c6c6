namespace Consensus.Client.Transport;

internal sealed partial class HttpTransport
{
    /// <summary>As <see cref="SendAsync"/> for an answer that is too large to be held: a success comes back with its body unread, and is the caller's to dispose.</summary>
    /// <param name="timeout">Until the headers are there.</param>
    public async Task<(Attempt Attempt, HttpResponseMessage? Response)> OpenAsync(
        Uri endpoint, ApiRequest request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(timeout);
        HttpResponseMessage? response = null;
        try
        {
            using var message = CreateMessage(endpoint, request, idempotencyKey: null);
            response = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, deadline.Token).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return (new Attempt(AttemptKind.Done, endpoint) { Status = response.StatusCode }, response);
            }
            var body = await response.Content.ReadAsByteArrayAsync(deadline.Token).ConfigureAwait(false);
            var attempt = Classify(endpoint, request, response, body);
            response.Dispose();
            return (attempt, null);
        }
        catch (Exception error) when (IsFailure(error, cancellationToken))
        {
            response?.Dispose();
            return (ClassifyFailure(endpoint, request, error, timeout), null);
        }
    }
}
