using CN2.Api.Data;

namespace CN2.Api.Http;

/// <summary>
/// Reads a second time when the database was away for a moment, as during a fail-over: GET changes nothing, so it can simply run again.
/// Writes are repeated where their transaction is run.
/// </summary>
internal sealed class RepeatedReads(RequestDelegate next, DatabasePresence database, TimeProvider time)
{
    public Task InvokeAsync(HttpContext http) =>
        HttpMethods.IsGet(http.Request.Method) && (KubernetesListener.Has(http) || http.Request.Path.StartsWithSegments("/v1")) ? ReadAsync(http) : next(http);

    private async Task ReadAsync(HttpContext http)
    {
        var since = time.GetTimestamp();
        try
        {
            await next(http);
            return;
        }
        catch (Exception e) when (PostgresErrors.IsAway(e) && !http.Response.HasStarted)
        {
            if (!await database.WaitAsync(since, http.RequestAborted)) throw;
        }

        var services = http.RequestServices;
        try
        {
            while (true)
            {
                // The context of the failed attempt holds a connection that is gone.
                await using var scope = services.CreateAsyncScope();
                http.RequestServices = scope.ServiceProvider;
                http.Response.Clear();
                try
                {
                    await next(http);
                    return;
                }
                catch (Exception e) when (PostgresErrors.IsAway(e) && !http.Response.HasStarted)
                {
                    if (!await database.WaitAsync(since, http.RequestAborted)) throw;
                }
            }
        }
        finally
        {
            http.RequestServices = services;
        }
    }
}
