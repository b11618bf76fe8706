using CN2.Api.Http;
using CN2.Api.Kubernetes.Lists;

namespace CN2.Api.Kubernetes.Requests;

/// <summary>A list has an end, a watch of the same path has none, and the deletion of a collection takes as long as there are objects.</summary>
internal sealed class WatchesLast : LongRunningAttribute
{
    public static WatchesLast Instance { get; } = new();

    internal override bool IsLong(HttpContext http) => HttpMethods.IsDelete(http.Request.Method) || ListRequestReader.IsWatch(http.Request.Query);
}
