package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
)

// target is a host that the victim may reach by the proxy.
func target() string { return net.JoinHostPort("127.0.0.1", os.Getenv("PORT")) }

// tunnel opens one by a proxy.
func tunnel(proxy, to string) error {
	return tunnelAs(proxy, func(own *url.Userinfo) *url.Userinfo { return own }, to)
}

// tunnelAs is tunnel with another credential than the one in the URL; without any
// where as is nil.
func tunnelAs(proxy string, as func(own *url.Userinfo) *url.Userinfo, to string) error {
	at, err := url.Parse(proxy)
	if err != nil || at.User == nil {
		panic(fmt.Sprintf("there is no proxy: %q, %v", proxy, err))
	}
	c, err := net.Dial("tcp", at.Host)
	if err != nil {
		panic("the proxy is not to be reached: " + err.Error())
	}
	defer func() { _ = c.Close() }()
	r := http.Request{Method: http.MethodConnect, Host: to, URL: &url.URL{Opaque: to}, Header: http.Header{}}
	if as != nil {
		user := as(at.User)
		secret, _ := user.Password()
		r.SetBasicAuth(user.Username(), secret)
		r.Header["Proxy-Authorization"] = r.Header["Authorization"]
		r.Header.Del("Authorization")
	}
	if err := r.Write(c); err != nil {
		return err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), &r)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return errors.New(res.Status)
	}
	return nil
}
